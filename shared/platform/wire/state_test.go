package wire

import (
	"io"
	"testing"

	"seatwise/shared/platform/app"
)

// TestCommitsDemandTheState holds that a function in AWS commits to a store that demands the state of the
// account, also one that serves no HTTP.
func TestCommitsDemandTheState(t *testing.T) {
	set := map[string]string{
		"TABLE_NAME": "t", "UPLOADS_BUCKET": "u", "REPORTS_BUCKET": "r", "CURSOR_KEY": "k", "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s",
	}
	_, err := assemble(func(name string) string { return set[name] }, io.Discard, func(env *app.Env) app.Function {
		if _, checked := env.Table.(interface{ StateChecked() }); !checked {
			t.Errorf("%T demands no state", env.Table)
		}
		return app.Function{}
	})
	if err != nil {
		t.Fatal(err)
	}
}
