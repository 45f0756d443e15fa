package programs

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"seatwise/infra/testing/parts"
)

// officePackage is the Debian package of a LibreOffice that knows spreadsheets and no screen.
const officePackage = "libreoffice-calc-nogui"

// officeProgram finds LibreOffice, and installs it when it may: in CI, as root, where there is
// apt-get. That takes two minutes and 300 MB.
var officeProgram = sync.OnceValues(func() (string, error) {
	find := func() (string, error) {
		for _, name := range []string{"soffice", "libreoffice"} {
			if path, err := exec.LookPath(name); err == nil {
				return path, nil
			}
		}
		return "", &missing{"no soffice found: install LibreOffice (on Debian: apt install " + officePackage + ")"}
	}
	path, err := find()
	if err == nil || !inCI() || os.Geteuid() != 0 {
		return path, err
	}
	apt, lookErr := exec.LookPath("apt-get")
	if lookErr != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchWait)
	defer cancel()
	quiet := []string{"DEBIAN_FRONTEND=noninteractive"}
	if err := fetch(ctx, "", quiet, apt, "update", "-q"); err != nil {
		return "", err
	}
	if err := fetch(ctx, "", quiet, apt, "install", "-q", "-y", "--no-install-recommends", officePackage); err != nil {
		return "", err
	}
	return find()
})

// Convert has LibreOffice open a file and save it in another format, named as its --convert-to
// wants it, and returns the folder with what it wrote. LibreOffice takes the file without anybody
// there to agree to a repair; a file that needs one is an error. It belongs to Papers; without
// LibreOffice the test is skipped, and fails in CI.
func Convert(t testing.TB, file, format string) (folder string, err error) {
	t.Helper()
	parts.Belongs(t, parts.Papers)
	program, err := officeProgram()
	var lacking *missing
	switch {
	case err == nil:
	case errors.As(err, &lacking) && !inCI():
		t.Skipf("not tested: LibreOffice: %v", err)
	default:
		t.Fatalf("LibreOffice: %v", err)
	}
	folder = t.TempDir()
	cmd := exec.CommandContext(
		t.Context(),
		program,
		"-env:UserInstallation=file://"+filepath.Join(t.TempDir(), "profile"),
		"--headless",
		"--norestore",
		"--convert-to",
		format,
		"--outdir",
		folder,
		file,
	)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(tail(out)))
	}
	written, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	if len(written) == 0 { // It ends with status 0 even then.
		return "", errors.New(tail(out))
	}
	return folder, nil
}
