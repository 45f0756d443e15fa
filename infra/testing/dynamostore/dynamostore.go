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

// Open makes a table that lasts as long as the test. Where there is no server, the test is skipped,
// or fails in CI.
func Open(t testing.TB) table.Store {
	t.Helper()
	server := programs.DynamoDB(t)
	client := dynamodb.New(dynamodb.Options{
		Region: server.Region, BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider(server.AccessKey, server.SecretKey, server.SessionToken),
	})
	name := "seatwise-test-" + rand.Text()[:12]
	t.Cleanup(func() {
		_, err := client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &name})
		if err != nil {
			t.Errorf("drop the table: %v", err)
		}
	})
	if err := dynamo.EnsureTable(t.Context(), client, name); err != nil {
		t.Fatalf("make the table: %v", err)
	}
	return dynamo.New(client, name, dynamo.Options{})
}
