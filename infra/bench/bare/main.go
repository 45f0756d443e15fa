// Command bare is what a function's cold start is measured against: a Lambda function that makes the same clients of the AWS SDK from the same literal
// configuration, registers as many HTTP operations as BARE_OPERATIONS says, and does nothing of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

type thing struct {
	ID   string `json:"id"`
	Name string `json:"name" maxLength:"200"`
	Size int    `json:"size" minimum:"1"`
}

type input struct {
	Account string `path:"account"`
	ID      string `path:"id"`
	Body    thing
}

type output struct{ Body thing }

// function holds the clients as a function of Seatwise does, and calls the same operations of them, so that the same of the SDK is linked.
type function struct {
	table   *dynamodb.Client
	buckets *s3.Client
	presign *s3.PresignClient
	mux     *http.ServeMux
}

func main() {
	operations, err := strconv.Atoi(os.Getenv("BARE_OPERATIONS"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "bare: BARE_OPERATIONS is the number of operations to register:", err)
		os.Exit(2)
	}
	credentials := aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}
	config := aws.Config{
		Region:      os.Getenv("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil }),
	}
	f := &function{table: dynamodb.NewFromConfig(config), buckets: s3.NewFromConfig(config), mux: http.NewServeMux()}
	f.presign = s3.NewPresignClient(f.buckets)
	if operations > 0 {
		f.register(operations)
	}
	lambda.Start(f.invoke)
}

func (f *function) register(operations int) {
	humaAPI := humago.New(f.mux, huma.DefaultConfig("Bare", "1"))
	for i := range operations {
		huma.Register(humaAPI, huma.Operation{
			OperationID: fmt.Sprintf("put-thing-%d", i), Method: http.MethodPut, Path: fmt.Sprintf("/v1/accounts/{account}/things%d/{id}", i),
			Errors: []int{400, 401, 403, 404, 409, 412, 413, 415, 422, 500, 503},
		}, func(_ context.Context, in *input) (*output, error) { return &output{Body: in.Body}, nil })
	}
}

// invoke is never reached in a measurement: the process is ended at its first poll.
func (f *function) invoke(ctx context.Context, key string) error {
	_, getErr := f.table.GetItem(ctx, &dynamodb.GetItemInput{TableName: &key})
	_, batchErr := f.table.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{})
	_, queryErr := f.table.Query(ctx, &dynamodb.QueryInput{TableName: &key})
	_, writeErr := f.table.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{})
	_, putErr := f.buckets.PutObject(ctx, &s3.PutObjectInput{Key: &key, Body: strings.NewReader(key)})
	_, readErr := f.buckets.GetObject(ctx, &s3.GetObjectInput{Key: &key})
	_, headErr := f.buckets.HeadObject(ctx, &s3.HeadObjectInput{Key: &key})
	_, presignPutErr := f.presign.PresignPutObject(ctx, &s3.PutObjectInput{Key: &key})
	_, presignGetErr := f.presign.PresignGetObject(ctx, &s3.GetObjectInput{Key: &key})
	return errors.Join(getErr, batchErr, queryErr, writeErr, putErr, readErr, headErr, presignPutErr, presignGetErr)
}
