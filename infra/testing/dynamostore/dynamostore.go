// Package dynamostore gives the tests of modules a store on a real DynamoDB API: DynamoDB Local, or
// the endpoint that SEATWISE_TEST_DYNAMODB_ENDPOINT names.
package dynamostore

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"seatwise/infra/testing/programs"
	"seatwise/shared/platform/table"
	"seatwise/shared/platform/table/dynamo"
)

// Table is a table on a server, for whoever opens it from another process.
type Table struct {
	Server programs.Server
	Name   string
}

// Open makes a table that lasts as long as the test. Where there is no server, the test is skipped,
// or fails in CI.
func Open(t testing.TB) table.Store {
	t.Helper()
	return New(t).Open()
}

// New makes the table of Open.
func New(t testing.TB) Table {
	t.Helper()
	made := Table{programs.DynamoDB(t), "seatwise-test-" + rand.Text()[:12]}
	client := made.client()
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &made.Name})
		if err != nil {
			t.Errorf("drop the table: %v", err)
		}
	})
	if err := dynamo.EnsureTable(t.Context(), client, made.Name); err != nil {
		t.Fatalf("make the table: %v", err)
	}
	return made
}

func (t Table) client() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: t.Server.Region, BaseEndpoint: &t.Server.URL,
		Credentials: credentials.NewStaticCredentialsProvider(
			t.Server.AccessKey, t.Server.SecretKey, t.Server.SessionToken),
	})
}

// Open is the store in the table.
func (t Table) Open() table.Store { return dynamo.New(t.client(), t.Name, dynamo.Options{}) }
