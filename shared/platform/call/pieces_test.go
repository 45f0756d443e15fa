package call_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"seatwise/infra/testing/fixtures"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// TestLargeAnswersAreAnsweredAgain holds that whatever was answered is answered again to the byte,
// however large it is (requirements, section 10).
func TestLargeAnswersAreAnsweredAgain(t *testing.T) {
	k := fixtures.New(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		size := rapid.SampledFrom([]int{
			0, 1, 60 << 10, 64<<10 - 2, 64<<10 - 1, 256 << 10, 256<<10 + 1, 400 << 10, 1 << 20, 3 << 20, 5 << 20,
		}).
			Draw(rt, "size")
		letter := rapid.SampledFrom([]string{"a", "ä", "😀", `"`}).Draw(rt, "letter")
		body := map[string]string{"text": strings.Repeat(letter, size/len(letter))}
		key := "large-" + time.Duration(n).String()
		first := keyed(k, key, "a")
		if err := first.Begin(t.Context()); err != nil {
			rt.Fatal(err)
		}
		answer := call.Answer{Status: 200, Header: map[string]string{"ETag": `"1"`}, Body: body}
		// A request of several commits provides its answer with its first one, and may die after
		// it.
		provided, dies := rapid.Bool().Draw(rt, "provided"), rapid.Bool().Draw(rt, "dies")
		if provided {
			if err := first.Provide(t.Context(), answer, effect(k, key)); err != nil {
				rt.Fatalf("%d bytes provided: %v", size, err)
			}
		}
		switch {
		case !provided:
			if err := first.Commit(t.Context(), answer, effect(k, key)); err != nil {
				rt.Fatalf("%d bytes: %v", size, err)
			}
		case dies:
			k.Clock.Add(2 * time.Minute)
		default:
			if err := first.Commit(t.Context(), answer); err != nil {
				rt.Fatalf("%d bytes after they were provided: %v", size, err)
			}
		}
		want, err := call.Encode(body)
		if err != nil || !json.Valid(want) {
			rt.Fatal(err)
		}
		wantReplay(t, keyed(k, key, "a").Begin(t.Context()), 200, string(want))
		// Who lost the race for the key is answered from the pieces too.
		late := keyed(k, key, "a")
		wantReplay(t, late.Commit(t.Context(), answer, effect(k, key+" again")), 200, string(want))
		if exists(t, k, key+" again") {
			rt.Fatal("an effect twice")
		}
	})
}

// TestALargeAnswerFitsIntoAFullCommit has a commit of as many effects as a call may have beside its
// record.
func TestALargeAnswerFitsIntoAFullCommit(t *testing.T) {
	k := fixtures.New(t)
	c := keyed(k, "full", "a")
	if err := c.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	var effects []table.Operation
	for range c.Spare() {
		op := effect(k, k.Env.IDs.Random())
		op.Item.Data = []byte(`"` + strings.Repeat("x", 35<<10) + `"`)
		effects = append(effects, op)
	}
	err := c.Commit(t.Context(), call.Answer{Status: 200, Body: strings.Repeat("y", 2<<20)}, effects...)
	if err != nil {
		t.Fatal(err)
	}
}
