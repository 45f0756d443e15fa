package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.etcd.io/bbolt"

	"seatwise/infra/local/token"
	"seatwise/shared/platform/auth"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/dynamo"
	"seatwise/shared/platform/wire"
)

// The bytes of what an assignment writes, about.
const (
	userBytes    = 350
	licenseBytes = 650 // in a file, its entries in the indexes included
	movedBytes   = 200 // the entry that moves in an index
	countBytes   = 120
	auditBytes   = 700
	auditEntries = 450 // of the audit entry, in the indexes
)

// committer makes what one caller writes durable.
type committer func(ctx context.Context, body []byte) error

// serveFloor is what there is at least between a client and a store: the route, the token, the JSON,
// and the commit. Without an endpoint it is the file's transaction for all that wait.
func serveFloor(ctx context.Context, folder, endpoint string, out io.Writer) (err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	authority, err := token.Open(filepath.Join(folder, "token-key.pem"), wire.Clock)
	if err != nil {
		return err
	}
	var commit committer
	if endpoint == "" {
		db, openErr := bbolt.Open(
			filepath.Join(folder, "floor.bolt"), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
		if openErr != nil {
			return openErr
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		commit = toFile(db)
	} else if commit, err = toDynamoDB(ctx, endpoint); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc(
		"POST /v1/accounts/{account}/assignments",
		func(w http.ResponseWriter, r *http.Request) { floorAssign(w, r, authority, commit) },
	)
	mux.HandleFunc("POST /local/token", func(w http.ResponseWriter, _ *http.Request) { floorToken(w, authority) })
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The floor is ready: API http://%s\n", l.Addr())
	s := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// toDynamoDB sends one bare transaction for each caller, with the puts of an assignment: holder,
// license and audit entry with their index entries, the free copy that goes and a count. Each has
// keys of its own, so that no two callers are in each other's way.
func toDynamoDB(ctx context.Context, endpoint string) (committer, error) {
	client := wire.Settings{
		Region:           os.Getenv("AWS_REGION"),
		AccessKey:        os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretKey:        os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:     os.Getenv("AWS_SESSION_TOKEN"),
		DynamoDBEndpoint: endpoint,
	}.DynamoDB()
	const name = "seatwise-load-floor"
	if err := dynamo.EnsureTable(ctx, client, name); err != nil {
		return nil, err
	}
	return func(ctx context.Context, body []byte) error {
		_, err := client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
			TransactItems: bareTransaction(name, body),
		})
		return err
	}, nil
}

// bareTransaction is what an assignment writes, in the attributes of the table that
// dynamo.EnsureTable makes.
func bareTransaction(tableName string, body []byte) []types.TransactWriteItem {
	id := wire.IDs{}.Random()
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	one := &types.AttributeValueMemberN{Value: "1"}
	key := func(kind string) map[string]types.AttributeValue {
		return map[string]types.AttributeValue{"pk": text("acme#" + kind + "#" + id), "sk": text(id)}
	}
	put := func(kind string, size, indexes int) types.TransactWriteItem {
		item := key(kind)
		item["v"] = one
		item["d"] = text(strings.Repeat(string(body[:1]), size))
		for n := 1; n <= indexes; n++ {
			item["i"+strconv.Itoa(n)+"p"] = text("acme#" + kind + "#" + id[:1])
			item["i"+strconv.Itoa(n)+"s"] = text(product + "#" + id)
		}
		return types.TransactWriteItem{Put: &types.Put{TableName: &tableName, Item: item}}
	}
	return []types.TransactWriteItem{
		put("HOLDER", userBytes, 0),
		put("LICENSE", licenseBytes, table.Indexes),
		{Delete: &types.Delete{TableName: &tableName, Key: key("FREE")}},
		{Update: &types.Update{
			TableName: &tableName, Key: key("TAKEN"), UpdateExpression: aws.String("ADD n_taken :one"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":one": one},
		}},
		put("AUDIT", auditBytes, table.Indexes),
	}
}

// waiting is one caller's puts.
type waiting struct {
	body []byte
	done chan error
}

// toFile commits the puts of all that wait in one transaction of the file.
func toFile(db *bbolt.DB) committer {
	commits := make(chan *waiting)
	go func() {
		for first := range commits {
			flush(db, gather(commits, first))
		}
	}()
	return func(_ context.Context, body []byte) error {
		c := &waiting{body: body, done: make(chan error, 1)}
		commits <- c
		return <-c.done
	}
}

func gather(commits <-chan *waiting, first *waiting) []*waiting {
	batch := []*waiting{first}
	runtime.Gosched()
	for {
		select {
		case c := <-commits:
			batch = append(batch, c)
		default:
			return batch
		}
	}
}

func flush(db *bbolt.DB, batch []*waiting) {
	err := db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("items"))
		if err != nil {
			return err
		}
		for _, c := range batch {
			for n, size := range []int{userBytes, licenseBytes, movedBytes, countBytes, auditBytes, auditEntries} {
				value := bytes.Repeat(c.body[:1], size)
				if err := b.Put(fmt.Appendf(nil, "%s#%d", wire.IDs{}.Random(), n), value); err != nil {
					return err
				}
			}
		}
		return nil
	})
	for _, c := range batch {
		c.done <- err
	}
}

type floorBody struct {
	Atomic bool `json:"atomic"`
	Items  []struct {
		ProductID string `json:"productId"`
		UserID    string `json:"userId"`
	} `json:"items"`
}

func floorAssign(w http.ResponseWriter, r *http.Request, authority *token.Authority, commit committer) {
	if _, err := authority.Check(r.Header.Get("Authorization")); err != nil {
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var body floorBody
	if err != nil || json.NewDecoder(bytes.NewReader(raw)).Decode(&body) != nil || len(body.Items) == 0 {
		http.Error(w, "malformed", http.StatusBadRequest)
		return
	}
	if err := commit(r.Context(), raw); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	item := body.Items[0]
	w.Header().Set("Content-Type", "application/json")
	// the client is gone if this fails
	_ = json.NewEncoder(w).Encode(map[string]any{"succeeded": 1, "failed": 0, "results": []any{map[string]any{
		"index": 0, "status": "succeeded", "license": map[string]any{
			"id":         wire.IDs{}.Random(),
			"productId":  item.ProductID,
			"userId":     item.UserID,
			"kind":       "seat",
			"status":     "assigned",
			"addedAt":    wire.Clock(),
			"assignedAt": wire.Clock(),
			"grants":     []any{map[string]any{"source": "direct", "since": wire.Clock()}},
		},
	}}})
}

func floorToken(w http.ResponseWriter, authority *token.Authority) {
	signed, err := authority.Issue("admin", "acme", []auth.Permission{auth.LicensesManage})
	if err != nil {
		http.Error(w, "no token", http.StatusInternalServerError)
		return
	}
	// the client is gone if this fails
	_ = json.NewEncoder(w).Encode(map[string]string{"accessToken": strings.TrimSpace(signed)})
}
