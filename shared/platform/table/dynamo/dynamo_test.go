package dynamo_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"seatwise/infra/testing/programs"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/dynamo"
	"seatwise/shared/platform/table/tabletest"
)

func client(server programs.Server) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: server.Region, BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider(server.AccessKey, server.SecretKey, server.SessionToken),
	})
}

// newTable makes a table for one test and removes it again: the server may be one that others use
// too.
func newTable(t *testing.T, server programs.Server) (*dynamodb.Client, string) {
	t.Helper()
	c := client(server)
	name := tableName()
	dropAtEnd(t, c, name)
	if err := dynamo.EnsureTable(t.Context(), c, name); err != nil {
		t.Fatal(err)
	}
	return c, name
}

func tableName() string { return "seatwise-test-" + rand.Text()[:12] }

func dropAtEnd(t *testing.T, c *dynamodb.Client, name string) {
	t.Helper()
	t.Cleanup(func() {
		_, err := c.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &name})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestContract runs the whole contract against DynamoDB Local, or the DynamoDB API that
// SEATWISE_TEST_DYNAMODB_ENDPOINT names.
func TestContract(t *testing.T) {
	c, name := newTable(t, programs.DynamoDB(t))
	open := func(*testing.T) table.Store { return dynamo.New(c, name, dynamo.Options{}) }
	tabletest.Run(t, open)
	tabletest.Scans(t, open)
}

// TestMoto is a smoke test: moto ignores the ClientRequestToken and has no conflicts, so only what
// one caller sees is worth asking of it. It takes items of 405,000 bytes at most, so CommitLimits
// is left out.
func TestMoto(t *testing.T) {
	c, name := newTable(t, programs.Moto(t))
	tabletest.Semantics(t, func(*testing.T) table.Store { return dynamo.New(c, name, dynamo.Options{}) },
		"CommitLimits")
}

// What a later release has written is refused, and not read as if it were of this one.
func TestItemsOfALaterSchemaAreRefused(t *testing.T) {
	c, name := newTable(t, programs.DynamoDB(t))
	store := dynamo.New(c, name, dynamo.Options{})
	key := table.Key{Partition: "p", Sort: "s"}
	put := func(schema int) {
		_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &name, Item: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: key.Partition},
			"sk": &types.AttributeValueMemberS{Value: key.Sort},
			"v":  &types.AttributeValueMemberN{Value: "1"},
			"f":  &types.AttributeValueMemberN{Value: strconv.Itoa(schema)},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	put(table.Schema)
	if _, found, err := table.Get(t.Context(), store, key); err != nil || !found {
		t.Fatalf("found %v, %v", found, err)
	}
	put(table.Schema + 1)
	_, lookup := store.Lookup(t.Context(), key)
	_, query := store.Query(t.Context(), table.Query{Partition: key.Partition})
	_, _, scan := store.Scan(t.Context(), []string{key.Partition}, table.Key{})
	for call, err := range map[string]error{"Lookup": lookup, "Query": query, "Scan": scan} {
		if !errors.Is(err, table.ErrSchema) {
			t.Errorf("%s: got %v, want ErrSchema", call, err)
		}
	}
}
