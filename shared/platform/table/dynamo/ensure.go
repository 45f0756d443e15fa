package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"seatwise/shared/platform/table"
)

// ensureWait bounds how long EnsureTable waits for a table that is being made.
const ensureWait = 2 * time.Minute

// EnsureTable makes the table as template.yaml declares it (keys, three indexes with whole items,
// expiry, billed by request) unless it exists. It is for one machine; in AWS the template makes the
// table. A table of this name with other indexes is an error.
func EnsureTable(ctx context.Context, client *dynamodb.Client, tableName string) error {
	input := &dynamodb.CreateTableInput{TableName: &tableName, BillingMode: types.BillingModePayPerRequest}
	input.KeySchema, input.AttributeDefinitions = schema(table.Base)
	for index := table.Index1; index <= table.Index3; index++ {
		keys, definitions := schema(index)
		input.AttributeDefinitions = append(input.AttributeDefinitions, definitions...)
		input.GlobalSecondaryIndexes = append(input.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName:  aws.String(IndexName(index)),
			KeySchema:  keys,
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		})
	}
	var exists *types.ResourceInUseException
	if _, err := client.CreateTable(ctx, input); err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("make table %s: %w", tableName, err)
	}
	made, err := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, 5*time.Second
	}).WaitForOutput(ctx, &dynamodb.DescribeTableInput{TableName: &tableName}, ensureWait)
	if err != nil {
		return fmt.Errorf("wait for table %s: %w", tableName, err)
	}
	for _, want := range input.GlobalSecondaryIndexes {
		if !slices.ContainsFunc(
			made.Table.GlobalSecondaryIndexes,
			func(has types.GlobalSecondaryIndexDescription) bool {
				return aws.ToString(has.IndexName) == *want.IndexName
			},
		) {
			return fmt.Errorf("table %s exists but has no index %s: it is not a table of Seatwise", tableName,
				*want.IndexName)
		}
	}
	return ensureExpiry(ctx, client, tableName)
}

func ensureExpiry(ctx context.Context, client *dynamodb.Client, tableName string) error {
	is, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &tableName})
	if err != nil {
		return fmt.Errorf("read the expiry of table %s: %w", tableName, err)
	}
	if d := is.TimeToLiveDescription; d != nil &&
		(d.TimeToLiveStatus == types.TimeToLiveStatusEnabled || d.TimeToLiveStatus == types.TimeToLiveStatusEnabling) {
		return nil
	}
	_, err = client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: &tableName,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: aws.String(expiresName),
			Enabled:       aws.Bool(true),
		},
	})
	if err != nil {
		return fmt.Errorf("set the expiry of table %s: %w", tableName, err)
	}
	return nil
}

func schema(index table.Index) (keys []types.KeySchemaElement, attributes []types.AttributeDefinition) {
	partition, sort := keyNames(index)
	keys = []types.KeySchemaElement{
		{AttributeName: &partition, KeyType: types.KeyTypeHash},
		{AttributeName: &sort, KeyType: types.KeyTypeRange},
	}
	for _, key := range keys {
		attributes = append(
			attributes,
			types.AttributeDefinition{AttributeName: key.AttributeName, AttributeType: types.ScalarAttributeTypeS},
		)
	}
	return keys, attributes
}
