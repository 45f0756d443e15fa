// Command bare is what a function's cold start is measured against: a Lambda function that makes
// the same clients of the AWS SDK from the same literal configuration, registers as many HTTP
// operations as BARE_OPERATIONS says, and does nothing of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Every operation has a body and an answer of its own, as operations have; a number makes the types
// of one differ from those of the others.
type (
	body[N any] struct {
		Name    string   `json:"name" minLength:"1" maxLength:"200"`
		Size    int      `json:"size" minimum:"1" maximum:"10000"`
		Members []string `json:"members,omitempty" maxItems:"100"`
	}
	thing[N any] struct {
		ID        string    `json:"id"`
		Name      string    `json:"name"`
		Size      int       `json:"size"`
		Members   []string  `json:"members"`
		ChangedAt time.Time `json:"changedAt"`
	}
	input[N any] struct {
		Account string `path:"account"`
		ID      string `path:"id"`
		Body    body[N]
	}
	output[N any] struct {
		ETag string `header:"ETag"`
		Body thing[N]
	}
)

// registrations are as many as the largest function has operations, and some more.
var registrations = []func(huma.API, int){
	register[[1]byte],
	register[[2]byte],
	register[[3]byte],
	register[[4]byte],
	register[[5]byte],
	register[[6]byte],
	register[[7]byte],
	register[[8]byte],
	register[[9]byte],
	register[[10]byte],
	register[[11]byte],
	register[[12]byte],
	register[[13]byte],
	register[[14]byte],
	register[[15]byte],
	register[[16]byte],
	register[[17]byte],
	register[[18]byte],
	register[[19]byte],
	register[[20]byte],
	register[[21]byte],
	register[[22]byte],
	register[[23]byte],
	register[[24]byte],
	register[[25]byte],
	register[[26]byte],
	register[[27]byte],
	register[[28]byte],
	register[[29]byte],
}

// function holds the clients as a function of Seatwise does, and calls the same operations of them,
// so that the same of the SDK is linked.
type function struct {
	table   *dynamodb.Client
	buckets *s3.Client
	presign *s3.PresignClient
	mux     *http.ServeMux
}

func main() {
	operations, err := strconv.Atoi(os.Getenv("BARE_OPERATIONS"))
	if err != nil || operations < 0 || operations > len(registrations) {
		fmt.Fprintf(os.Stderr, "bare: BARE_OPERATIONS is the number of operations to register, 0 to %d\n",
			len(registrations))
		os.Exit(2)
	}
	credentials := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
	}
	config := aws.Config{
		Region: os.Getenv("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(
			func(context.Context) (aws.Credentials, error) { return credentials, nil },
		),
	}
	f := &function{table: dynamodb.NewFromConfig(config), buckets: s3.NewFromConfig(config), mux: http.NewServeMux()}
	f.presign = s3.NewPresignClient(f.buckets)
	if operations > 0 {
		api := humago.New(f.mux, huma.DefaultConfig("Bare", "1"))
		for n, add := range registrations[:operations] {
			add(api, n)
		}
	}
	lambda.Start(f.invoke)
}

func register[N any](api huma.API, n int) {
	huma.Register(api, huma.Operation{
		OperationID: fmt.Sprintf("put-thing-%d", n),
		Method:      http.MethodPut,
		Path:        fmt.Sprintf("/v1/accounts/{account}/things%d/{id}", n),
		Errors:      []int{400, 401, 403, 404, 409, 412, 413, 415, 422, 500, 503},
	}, func(_ context.Context, in *input[N]) (*output[N], error) {
		return &output[N]{
			Body: thing[N]{ID: in.ID, Name: in.Body.Name, Size: in.Body.Size, Members: in.Body.Members},
		}, nil
	})
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
