package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"seatwise/shared/craft/text"
	"seatwise/shared/license"
	"seatwise/shared/platform/call"
	"seatwise/shared/platform/problem"
	"seatwise/shared/platform/table"
)

// emailKey is where it stands whose an e-mail address is: one item for each address of the account,
// however it is written (text.Email). The key is a digest, since an address can be longer than a
// key, and must not be read where nobody looks for one.
func emailKey(account, email string) table.Key {
	sum := sha256.Sum256([]byte(text.Email(email)))
	return table.Key{Partition: call.Partition(account, "EMAIL"), Sort: hex.EncodeToString(sum[:])}
}

// emailOwner is the document of an address.
type emailOwner struct {
	UserID string `json:"userId"`
}

// ownerOf is whose an address is by its item; empty for nobody's.
func ownerOf(found map[table.Key]table.Item, key table.Key) (string, error) {
	item, ok := found[key]
	if !ok {
		return "", nil
	}
	o, err := call.Decode[emailOwner](item)
	return o.UserID, err
}

// moveEmail makes the user's address theirs alone, and gives up the one before (requirements,
// section 6); the item of the new one is among what was found. The commit demands that the items
// are as they were read, so of two who want one address at once one decides again. An address that
// is left as it was is not judged: several may have one from before addresses were unique, and the
// first of them who is written again has it from then on.
//
// Errors: email-in-use.
func moveEmail(
	ctx context.Context, c *call.Call, ch *license.UnitOfWork, l *loadedUser, user profile,
) ([]table.Operation, error) {
	var ops []table.Operation
	before, after := l.before.Email, user.Email
	old, now := emailKey(c.Account, before), emailKey(c.Account, after)
	if after != "" {
		owner, err := ownerOf(l.found, now)
		switch {
		case err != nil:
			return nil, err
		case owner == "":
			data, err := call.Encode(emailOwner{UserID: user.ID})
			if err != nil {
				return nil, err
			}
			ops = append(ops, table.Put(table.Item{Key: now, Data: data}, table.IfAbsent))
		case owner != user.ID && (before == "" || old != now):
			return nil, problem.New(problem.EmailInUse, "Another user has this e-mail address.").
				At("email", problem.Duplicate, "belongs to another user")
		}
	}
	if before == "" || after != "" && old == now {
		return ops, nil
	}
	more, err := giveUpEmail(ctx, c, ch, user.ID, before)
	return append(ops, more...), err
}

// giveUpEmail deletes the item of an address, if it says that it is the user's.
func giveUpEmail(
	ctx context.Context,
	c *call.Call,
	ch *license.UnitOfWork,
	user, email string,
) ([]table.Operation, error) {
	if email == "" {
		return nil, nil
	}
	key := emailKey(c.Account, email)
	found, err := ch.Load(ctx, license.Need{Also: []table.Key{key}})
	if err != nil {
		return nil, err
	}
	owner, err := ownerOf(found, key)
	if err != nil || owner != user {
		return nil, err
	}
	return []table.Operation{table.Delete(key, table.IfVersion(found[key].Version))}, nil
}
