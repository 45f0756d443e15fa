package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"go.etcd.io/bbolt"

	"seatwise/infra/local/objects"
)

// watch notices new objects on another S3 server, which cannot notify this process: it looks at the
// prefixes of the template's triggers once a second. It sees the newest version of each object; one
// that is overwritten between two looks is seen once.
type watch struct {
	r      *runner
	client *s3.Client
}

const watchEvery = time.Second

// seenBucket holds, by bucket and key, which state of an object has been announced.
var seenBucket = []byte("watch-seen")

// newWatch makes the buckets if they are missing.
func (r *runner) newWatch(ctx context.Context, client *s3.Client) (*watch, error) {
	for _, name := range bucketNames {
		if err := ensureBucket(ctx, client, name); err != nil {
			return nil, fmt.Errorf("cannot use S3 at %s: %w", r.config.S3Endpoint, err)
		}
		_, err := client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
			Bucket:                  aws.String(name),
			VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		})
		if err != nil {
			// Not every server can; without versions, a file that is dropped again under the same
			// name is the same file.
			r.config.Log.WarnContext(ctx, "the S3 server keeps no versions", "bucket", name, "error", err)
		}
	}
	err := r.state.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(seenBucket)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot watch S3: %w", err)
	}
	return &watch{r, client}, nil
}

func ensureBucket(ctx context.Context, client *s3.Client, name string) error {
	if _, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(name)}); err == nil {
		return nil
	}
	input := &s3.CreateBucketInput{Bucket: aws.String(name)}
	if at := client.Options().Region; at != region { // the region whose name S3 refuses here
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{
			LocationConstraint: types.BucketLocationConstraint(at),
		}
	}
	var exists *types.BucketAlreadyOwnedByYou
	if _, err := client.CreateBucket(ctx, input); err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("make bucket %s: %w", name, err)
	}
	return nil
}

func (w *watch) run(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		for _, t := range w.r.template.Triggers {
			if err := w.look(ctx, bucketNames[t.Bucket], t.Prefix); err != nil && ctx.Err() == nil {
				w.r.config.Log.WarnContext(ctx, "S3 not looked at", "bucket", t.Bucket, "prefix", t.Prefix,
					"error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (w *watch) look(ctx context.Context, bucket, prefix string) error {
	pages := s3.NewListObjectsV2Paginator(w.client,
		&s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: aws.String(prefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		for _, o := range page.Contents {
			if err := w.announce(ctx, bucket, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// announce owes the functions their events for an object that is new, in the transaction that
// remembers it.
func (w *watch) announce(ctx context.Context, bucket string, o types.Object) error {
	name := []byte(bucket + "/" + aws.ToString(o.Key))
	state := aws.ToString(o.ETag) + " " + aws.ToTime(o.LastModified).UTC().Format(time.RFC3339Nano)
	known := false
	err := w.r.state.View(func(tx *bbolt.Tx) error {
		known = string(tx.Bucket(seenBucket).Get(name)) == state
		return nil
	})
	if err != nil || known {
		return err
	}
	head, err := w.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: o.Key})
	if err != nil {
		var gone *types.NotFound
		if errors.As(err, &gone) {
			return nil
		}
		return fmt.Errorf("head: %w", err)
	}
	created := objects.Created{
		Event: "ObjectCreated:Put", Bucket: bucket, Key: aws.ToString(o.Key), Version: aws.ToString(head.VersionId),
		ETag: strings.Trim(aws.ToString(head.ETag), `"`), Size: aws.ToInt64(head.ContentLength),
		Sequencer: fmt.Sprintf("%016X", aws.ToTime(head.LastModified).UnixNano()), At: aws.ToTime(head.LastModified),
	}
	owed, err := w.r.notifications(created)
	if err != nil {
		return err
	}
	err = w.r.state.Update(func(tx *bbolt.Tx) error {
		if err := w.r.queue.AddIn(tx, owed...); err != nil {
			return err
		}
		return tx.Bucket(seenBucket).Put(name, []byte(state))
	})
	if err != nil {
		return fmt.Errorf("remember: %w", err)
	}
	return nil
}
