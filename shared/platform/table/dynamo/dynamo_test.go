package dynamo_test

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

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
