package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/auth"
)

// E-mail addresses are unique in an account by NFKC and case (requirements, section 6), by whatever way they come.
func TestAnEMailAddressBelongsToOneUser(t *testing.T) {
	l := openLaw(t)
	l.keepFiles()
	l.must(http.MethodPut, "/users/ann", object{"name": "Ann", "email": "Ann.Straße@acme.test"})
	l.must(http.MethodPut, "/users/bob", object{"name": "Bob", "email": "bob@acme.test"})
	for _, form := range []string{
		"Ann.Straße@acme.test", "ann.strasse@ACME.TEST", "ANN.STRASSE@acme.test", "\uff41nn.straße@acme.test",
	} {
		for _, step := range []struct {
			method, path string
			body         object
		}{
			{http.MethodPut, "/users/new", object{"name": "New", "email": form}},
			{http.MethodPut, "/users/bob", object{"name": "Bob", "email": form}},
			{http.MethodPatch, "/users/bob", object{"email": form}},
		} {
			before := l.writes
			r := l.send(step.method, step.path, step.body, nil)
			if r.Status == http.StatusUnprocessableEntity && strings.Contains(string(r.Body), `"email"`) {
				continue // no form of an address that is taken
			}
			p := fixtures.Problem(t, r, http.StatusConflict, "email-in-use")
			if len(p.Errors) != 1 || p.Errors[0].Field != "email" ||
				strings.Contains(p.Detail+p.Errors[0].Message, "ann") || l.writes != before {
				t.Errorf("%s %s with %q: %+v, %d written", step.method, step.path, form, p, l.writes-before)
			}
		}
	}
	// Their own address in another case is a change of theirs, and frees nothing.
	if got := l.must(
		http.MethodPatch, "/users/ann", object{"email": "ANN.STRASSE@acme.test"},
	); got["email"] != "ANN.STRASSE@acme.test" {
		t.Errorf("%v", got)
	}
	fixtures.Problem(
		t, l.send(http.MethodPatch, "/users/bob", object{"email": "Ann.Straße@acme.test"}, nil), http.StatusConflict,
		"email-in-use",
	)
	// Two that swap need a third address between; what is given up is free at once.
	l.must(http.MethodPatch, "/users/ann", object{"email": nil})
	l.must(http.MethodPatch, "/users/bob", object{"email": "ann.straße@acme.test"})
	l.must(http.MethodPatch, "/users/ann", object{"email": "BOB@acme.test"})
	// Who is not active keeps theirs; who is deleted does not.
	l.must(http.MethodPatch, "/users/bob", object{"active": false})
	fixtures.Problem(
		t, l.send(http.MethodPut, "/users/eve", object{"name": "Eve", "email": "ann.strasse@acme.test"}, nil),
		http.StatusConflict, "email-in-use",
	)
	l.must(http.MethodDelete, "/users/bob", nil)
	l.must(http.MethodPut, "/users/eve", object{"name": "Eve", "email": "ann.strasse@acme.test"})

	// Rows of one file that claim one address, and a row that claims somebody's.
	rows := peopleHeader + "r1,One,same@acme.test,,,yes,\nr2,Two,SAME@acme.test,,,yes,\nr3,Three,bob@ACME.test,,,yes,\n"
	plan := l.must(http.MethodGet, l.plan("/imports", object{"kind": "users", "fileName": "users.csv"}, rows), nil)
	counts, _ := plan["counts"].(object)
	if plan["state"] != "rejected" || counts["error"] != 3.0 {
		t.Errorf("%v", plan)
	}
}

// peopleHeader is that of a file of users.
const peopleHeader = "User,Name,Email,Extension,Number,Active,Agent source\n"

// Of 64 who want one address at once, one has it.
func TestOneAddressForSixtyFour(t *testing.T) {
	l := openLaw(t)
	var wait sync.WaitGroup
	status := make([]int, 64)
	for i := range status {
		wait.Go(func() {
			body := object{"name": fmt.Sprint("User ", i), "email": []string{"one@acme.test", "ONE@acme.test"}[i%2]}
			status[i] = l.Do(t, l.handler, fixtures.Request{
				Method: http.MethodPut, Path: fmt.Sprintf("/v1/accounts/%s/users/u%d", l.Account, i), Body: body,
				User: "ada", Permissions: auth.Permissions(),
			}).Status
		})
	}
	wait.Wait()
	made := 0
	for i, s := range status {
		switch s {
		case http.StatusCreated:
			made++
		case http.StatusConflict, http.StatusServiceUnavailable:
		default:
			t.Errorf("user %d: %d", i, s)
		}
	}
	held := 0
	list, _ := l.must(http.MethodGet, "/users?q=one@acme.test&limit=200", nil)["items"].([]any)
	held = len(list)
	if made != 1 || held != 1 {
		t.Errorf("%d were made, %d have the address", made, held)
	}
}

// What is a number, and which two are one, is the same by every way in (requirements, section 6).
func TestNumbersByEveryWay(t *testing.T) {
	l := openLaw(t)
	l.keepFiles()
	l.must(http.MethodPut, "/users/ann", object{"name": "Ann", "extension": "101", "number": "+1 (656) 789-1230"})
	l.must(http.MethodPut, "/users/bob", object{"name": "Bob", "extension": "102"})
	for _, form := range []string{
		"16567891230", "+16567891230", "１６５６７８９１２３０", "1.656.789.1230", "1/656/7891230", "+1 656\u00a0789\u20111230",
	} {
		fixtures.Problem(
			t, l.send(http.MethodPatch, "/users/bob", object{"number": form}, nil), http.StatusConflict,
			"number-in-use",
		)
		fixtures.Problem(
			t, l.send(http.MethodPut, "/users/eve", object{"name": "Eve", "extension": "103", "number": form}, nil),
			http.StatusConflict, "number-in-use",
		)
		for kind, file := range map[string]string{
			"/imports": peopleHeader + "bob,Bob,,102,\"" + form + "\",yes,\n",
			"/mass-configurations": "Ext Key,Number,User,Addon license 1\n" +
				"102,\"" + form + "\",bob,\n101,\"" + form + "\",ann,\n",
		} {
			ask := object{"fileName": "file.csv"}
			if kind == "/imports" {
				ask["kind"] = "users"
			}
			if plan := l.must(http.MethodGet, l.plan(kind, ask, file), nil); plan["state"] != "rejected" {
				t.Errorf("%s takes %q for bob: %v", kind, form, plan)
			}
		}
		// Of the person who has it, it is the same number in another form; a file changes nothing for it.
		at := l.plan(
			"/imports", object{"kind": "users", "fileName": "file.csv"},
			peopleHeader+"ann,Ann,,101,\""+form+"\",yes,\n",
		)
		plan := l.must(http.MethodGet, at, nil)
		if counts, _ := plan["counts"].(object); counts["unchanged"] != 1.0 {
			t.Errorf("%q of ann in a file: %v", form, plan)
		}
	}
	for _, form := range []string{
		"12", "-6567891230", "6.57E+09", "6567891230.0", "656 789 1230 x5", "+", "()", "１２", "٦٥٦٧٨٩١٢",
		"12345678901234567", "656\u200b789",
	} {
		for method, path := range map[string]string{http.MethodPatch: "/users/bob", http.MethodPut: "/users/bob"} {
			p := fixtures.Problem(
				t, l.send(method, path, object{"name": "Bob", "number": form}, nil), http.StatusUnprocessableEntity,
				"validation",
			)
			if len(p.Errors) != 1 || p.Errors[0].Field != "number" {
				t.Errorf("%s %q: %+v", method, form, p.Errors)
			}
		}
	}
	for _, form := range []string{"１０２", "10２", "1 02", "0x66", "٤٥٦", "-1", "1.0"} {
		for method, step := range map[string]struct {
			path string
			body object
		}{
			http.MethodPatch: {"/users/bob", object{"extension": form}},
			http.MethodPost:  {"/licenses/" + l.shelf[0] + "/assign", object{"userId": "bob", "extension": form}},
		} {
			fixtures.Problem(t, l.send(method, step.path, step.body, nil), http.StatusUnprocessableEntity, "validation")
		}
		fixtures.Problem(t, l.send(
			http.MethodPost, "/assignments",
			object{"items": []object{{"productId": "phone-system", "userId": "bob", "extension": form}}}, nil,
		),
			http.StatusUnprocessableEntity, "validation")
	}
}

// A name is read back from a file as it was, whatever it begins with (requirements, section 6).
func TestNamesOfFilesAreReadBack(t *testing.T) {
	for _, format := range []string{"csv", "xlsx"} {
		l := openLaw(t)
		l.keepFiles()
		for i, name := range []string{
			"=1+1", "+Bob", "-Eve", "@Zoe", "'=quoted", "''two", "O'Neil", "a  b", "\u00e9t\u00e9", "1e5", "TRUE",
			"007", "a;b", `say "no"`, "=HYPERLINK(\"x\")",
		} {
			l.must(
				http.MethodPut, fmt.Sprintf("/users/n%02d", i),
				object{"name": name, "email": fmt.Sprintf("n%d@acme.test", i)},
			)
		}
		job := l.must(http.MethodPost, "/exports", object{"kind": "users", "format": format})
		l.carryOut()
		done := l.must(http.MethodGet, "/exports/"+fmt.Sprint(job["id"]), nil)
		file := fetchFile(t, fmt.Sprint(done["downloadUrl"]))
		at := l.plan("/imports", object{"kind": "users", "fileName": "users." + format}, file)
		plan := l.must(http.MethodGet, at, nil)
		if counts, _ := plan["counts"].(object); plan["state"] != "ready" || counts["unchanged"] != counts["rows"] {
			t.Errorf("%s: %v", format, plan)
			t.Logf("%s", l.send(http.MethodGet, at+"/rows?limit=200", nil, nil).Body)
		}
	}
}

func fetchFile(t *testing.T, at string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := do(t, req)
	if a.status != http.StatusOK {
		t.Fatalf("%s: %d", at, a.status)
	}
	return string(a.body)
}
