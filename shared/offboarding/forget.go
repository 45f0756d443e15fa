package offboarding

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"seatwise/shared/platform/access"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/files"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// forgetter replaces the words that tell who a person is, wherever they stand in the account.
type forgetter struct {
	*run
	forgetting
	account string
}

func (f *forgetter) of() string { return f.account }

func (f *forgetter) full() bool { return false }

func (f *forgetter) flush(context.Context, int) ([]table.Operation, error) { return nil, nil }

// see rewrites an item that has words of theirs. What finds them by these words goes.
func (f *forgetter) see(ctx context.Context, item table.Item) error {
	for {
		op, changed, err := f.rewrite(item)
		if err != nil || !changed {
			return err
		}
		err = f.env.Table.Commit(ctx, []table.Operation{op})
		if _, moved := table.Refused(err); !moved {
			return err
		}
		var there bool
		if item, there, err = table.Get(ctx, f.env.Table, item.Key); err != nil || !there {
			return err
		}
	}
}

// rewrite is the operation that takes the words out of an item.
func (f *forgetter) rewrite(item table.Item) (op table.Operation, changed bool, err error) {
	kind := kindOf(item)
	switch {
	case kind == "FORGOTTEN" || len(item.Data) == 0:
		return op, false, nil
	case kind == "HOLDERS-WORD" && strings.HasSuffix(item.Sort, "#"+f.User),
		kind == "EMAIL" && f.words.names(item.Data),
		kind == "NUMBER" && f.words.hasNumber(item.Sort):
		return table.Delete(item.Key, table.Always), true, nil
	}
	data, changed, err := f.words.document(kind, item.Partition+"#"+item.Sort, item.Data)
	if err != nil || !changed {
		return op, false, err
	}
	next := item
	next.Data = data
	return table.Put(next, table.IfVersion(item.Version)), true, nil
}

// end takes the words out of the files, the archives away, which are copies, and forgets the words.
func (f *forgetter) end(ctx context.Context) error {
	err := f.each(ctx, f.account, func(v files.Stored) error {
		if v.Deletion {
			return nil
		}
		return f.file(ctx, v)
	})
	if err != nil {
		return err
	}
	if err := f.expire(ctx); err != nil {
		return err
	}
	f.State, f.Names, f.Emails, f.Numbers, f.EndedAt = forgotten, nil, nil, nil, f.env.Clock().UTC()
	op, err := put(forgottenKey(f.account, f.User), f.forgetting, f.forgetting.version)
	if err != nil {
		return err
	}
	c := call.ForEvent(f.env, f.account, f.AskedBy, "forget:"+f.User, f.EndedAt).Because(f.Cause)
	c.Operator = true
	audit, err := c.Audit(call.AuditEntry{Action: "user.forgotten", Subject: "user", SubjectID: f.User, User: f.User})
	if err != nil {
		return err
	}
	marker := table.Delete(forgetMarkers.Key(f.account, f.User), table.Always)
	return stolen(f.env.Table.Commit(ctx, []table.Operation{op, audit, marker}))
}

// expire says of the archives that are ready that their files are gone.
func (f *forgetter) expire(ctx context.Context) error {
	return table.All(ctx, f.env.Table, table.Query{Partition: archivesOf(f.account)}, func(item table.Item) error {
		a, err := decodeArchive(item)
		if err != nil || a.State != ready {
			return err
		}
		a.State = expired
		op, err := put(item.Key, a, a.version)
		if err != nil {
			return err
		}
		return stolen(f.env.Table.Commit(ctx, []table.Operation{op}))
	})
}

// file takes the words out of a version: the newest is stored again without them, and none that has them stays.
// Archives go, which are copies of what is rewritten; so do wake-ups, which would wake somebody again.
func (f *forgetter) file(ctx context.Context, v files.Stored) error {
	if strings.HasPrefix(v.Key, files.ArchivesFolder) {
		return f.env.Objects.Remove(ctx, v.Ref)
	}
	body, info, err := f.env.Files.Get(ctx, v.Ref)
	if err != nil {
		return err
	}
	old, err := io.ReadAll(body)
	if err == nil {
		err = body.Close()
	}
	if err != nil {
		return fmt.Errorf("forget: %w", err)
	}
	next, changed := f.words.file(v.Key, old)
	if !changed {
		return nil
	}
	if v.Newest && !strings.HasPrefix(v.Key, "jobs/") {
		at := files.Ref{Bucket: v.Bucket, Key: v.Key}
		if _, err := f.env.Files.Put(ctx, at, bytes.NewReader(next), int64(len(next)), info.ContentType); err != nil {
			return err
		}
	}
	return f.env.Objects.Remove(ctx, v.Ref)
}

// namesake says whether another person of the account has the same name.
func (f *forgetter) namesake(ctx context.Context) (bool, error) {
	found := false
	q := table.Query{Partition: access.UsersPartition(f.account)}
	err := table.All(ctx, f.env.Table, q, func(item table.Item) error {
		var p struct {
			Name string `json:"name"`
		}
		err := json.Unmarshal(item.Data, &p)
		found = found || item.Sort != f.User && slices.ContainsFunc(f.Names, func(name string) bool {
			return strings.EqualFold(p.Name, name)
		})
		return err
	})
	return found, err
}

// file is a file without the words. A workbook is rewritten part by part.
func (w words) file(name string, body []byte) (next []byte, changed bool) {
	if !strings.EqualFold(path.Ext(name), ".xlsx") {
		out := w.replace(string(body), !w.Shared)
		return []byte(out), out != string(body)
	}
	in, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return body, false // it was refused when it came, and nothing reads it
	}
	var out bytes.Buffer
	to := zip.NewWriter(&out)
	inXML := w.escaped()
	for _, part := range in.File {
		text, err := readPart(part)
		if err != nil {
			return body, false
		}
		said := inXML.replace(string(text), !w.Shared)
		changed = changed || said != string(text)
		into, err := to.Create(part.Name)
		if err == nil {
			_, err = io.WriteString(into, said)
		}
		if err != nil {
			return body, false
		}
	}
	if to.Close() != nil {
		return body, false
	}
	return out.Bytes(), changed
}

// maxPart is how much of a part of a workbook is read.
const maxPart = 256 << 20

func readPart(part *zip.File) ([]byte, error) {
	in, err := part.Open()
	if err != nil {
		return nil, fmt.Errorf("forget: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(in, maxPart))
	if err == nil {
		err = in.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("forget: %w", err)
	}
	return text, nil
}

// escaped are the words as they stand in XML.
func (w words) escaped() words {
	for _, list := range []*[]string{&w.Names, &w.Emails, &w.Numbers} {
		escaped := make([]string, len(*list))
		for i, word := range *list {
			var out bytes.Buffer
			_ = xml.EscapeText(&out, []byte(word)) // a buffer takes everything
			escaped[i] = out.String()
		}
		*list = escaped
	}
	return w
}

// Forget has the words that tell who a person is replaced everywhere in the account.
//
// Errors: not-found for somebody who never was there; wrong-state for who is active.
func (s *Service) Forget(ctx context.Context, c *call.Call, user string) (Forgotten, error) {
	at := forgottenKey(c.Account, user)
	found, err := c.Lookup(ctx, access.UserKey(c.Account, user), at)
	if err != nil {
		return Forgotten{}, err
	}
	var person struct {
		Active bool `json:"active"`
	}
	if item, there := found[access.UserKey(c.Account, user)]; there {
		if err := json.Unmarshal(item.Data, &person); err != nil {
			return Forgotten{}, fmt.Errorf("user: %w", err)
		}
	}
	if person.Active {
		return Forgotten{}, problem.New(
			problem.WrongState, "The user is active: deactivate or delete them first, by which they give back what they hold.",
		)
	}
	asked := forgetting{
		words: words{User: user, Token: "forgotten-" + c.Env.IDs.Random()[:8]},
		State: queued, AskedAt: c.At.UTC(), AskedBy: c.Actor, Cause: c.Cause(),
	}
	if err := asked.called(ctx, c); err != nil {
		return Forgotten{}, err
	}
	if asked.version = found[at].Version; len(asked.Names) == 0 {
		return Forgotten{}, problem.Missing("user")
	}
	write, err := put(at, asked, asked.version)
	if err != nil {
		return Forgotten{}, err
	}
	audit, err := c.Audit(call.AuditEntry{
		Action: "user.forgetRequested", Subject: "user", SubjectID: user, User: user,
	})
	if err != nil {
		return Forgotten{}, err
	}
	view := asked.view()
	marker := table.Put(forgetMarkers.Item(c.Account, user, []byte("{}")), table.Always)
	if err := c.Commit(ctx, call.Begun(view).At(forgetPath(c.Account, user)), write, marker, audit); err != nil {
		return Forgotten{}, err
	}
	s.wake(ctx, c.Account, asked.Token)
	return view, nil
}

// called collects what they were ever called, of the audit log, which has each change.
func (f *forgetting) called(ctx context.Context, c *call.Call) error {
	q := table.Query{Index: table.Index2, Partition: c.Partition("AUDIT-OF", f.User), Backwards: true}
	return table.All(ctx, c.Env.Table, q, func(item table.Item) error {
		r, err := call.Decode[call.AuditRecord](item)
		if err != nil {
			return err
		}
		for _, state := range []json.RawMessage{r.After, r.Before} {
			var said struct{ Name, Email, Number string }
			if json.Unmarshal(state, &said) != nil {
				continue // it is of something else
			}
			if r.Subject == "user:"+f.User {
				f.Names, f.Emails = more(f.Names, said.Name), more(f.Emails, said.Email)
			}
			f.Numbers = more(f.Numbers, said.Number)
		}
		return nil
	})
}

// more adds a word that is not among them.
func more(list []string, word string) []string {
	if word == "" || slices.Contains(list, word) {
		return list
	}
	return append(list, word)
}

// Forgetting is how far it is to forget somebody.
//
// Errors: not-found.
func (s *Service) Forgetting(ctx context.Context, c *call.Call, user string) (Forgotten, error) {
	item, found, err := c.Get(ctx, forgottenKey(c.Account, user))
	if err != nil {
		return Forgotten{}, err
	}
	if !found {
		return Forgotten{}, problem.Missing("user")
	}
	f, err := call.Decode[forgetting](item)
	return f.view(), err
}
