// Package s3store is the file port over S3 (design, decision 4): Amazon's in AWS, an embedded
// server of the same API on one machine.
//
// A missing object is told from a forbidden one only to a caller that may list the bucket: without
// s3:ListBucket, S3 answers 403 instead of 404 and ErrNotFound never shows. The template grants it
// to every function that reads files.
package s3store

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"seatwise/shared/platform/files"
)

const (
	// maxLife is the longest that S3 lets a presigned URL live.
	maxLife = 7 * 24 * time.Hour
	// maxPut is the most that S3 takes in one PUT.
	maxPut = 5 << 30
	// sha256Bytes is the length of a SHA-256 digest.
	sha256Bytes = 32
)

// Store is files.Store over one S3 client. It is safe for concurrent use.
type Store struct {
	client  *s3.Client
	presign *s3.PresignClient
	names   map[files.Bucket]string
}

var (
	_ files.Store  = (*Store)(nil)
	_ files.Keeper = (*Store)(nil)
)

// New makes a Store that speaks through client; names tells the real name of every bucket that the
// caller uses.
func New(client *s3.Client, names map[files.Bucket]string) files.Store {
	return &Store{
		client: client,
		presign: s3.NewPresignClient(client, s3.WithPresignClientFromClientOptions(func(o *s3.Options) {
			// A client that checks what it reads would sign x-amz-checksum-mode into a link, a
			// header that a browser does not send. Of an upload the SDK asks no checksum but the
			// one given.
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		})),
		names: names,
	}
}

// NewKeeper makes the Keeper of the same buckets.
func NewKeeper(client *s3.Client, names map[files.Bucket]string) files.Keeper {
	return &Store{client: client, names: names}
}

// Name implements files.Store.
func (s *Store) Name(b files.Bucket) string { return s.names[b] }

// PresignPut implements files.Store. The size must be 1 byte to 5 GiB, as S3 cannot sign an empty
// body's length; the life is 1 second to 7 days in whole seconds; the SHA-256 is empty or 64
// hexadecimal digits. The URL also dies with the credentials that signed it, so a life beyond the hour that a
// Lambda role's session may have left is not dependable.
func (s *Store) PresignPut(ctx context.Context, want files.Expected) (files.Upload, error) {
	bucket, err := s.bucket(want.Ref)
	if err != nil {
		return files.Upload{}, err
	}
	if err := checkLife(want.Life); err != nil {
		return files.Upload{}, err
	}
	if want.Size < 1 || want.Size > maxPut {
		return files.Upload{}, fmt.Errorf("files: cannot presign an upload of %d bytes", want.Size)
	}
	if want.ContentType == "" {
		return files.Upload{}, errors.New("files: cannot presign an upload without a content type")
	}
	input := &s3.PutObjectInput{
		Bucket:        aws.String(bucket),
		Key:           aws.String(want.Ref.Key),
		ContentLength: aws.Int64(want.Size),
		ContentType:   aws.String(want.ContentType),
		IfNoneMatch:   aws.String("*"),
	}
	if want.SHA256 != "" {
		digest, err := hex.DecodeString(want.SHA256)
		if err != nil || len(digest) != sha256Bytes {
			return files.Upload{}, errors.New("files: a SHA-256 is 64 hexadecimal digits")
		}
		input.ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(digest))
	}
	signed, err := s.presign.PresignPutObject(ctx, input, at(want.At, want.Life))
	if err != nil {
		return files.Upload{}, fmt.Errorf("files: presign a put to %s: %w", want.Ref.Bucket, err)
	}
	headers := make(map[string]string, len(signed.SignedHeader))
	for name, values := range signed.SignedHeader {
		if name != "Host" { // every client sends it automatically, and some refuse to be told
			headers[name] = strings.Join(values, ",")
		}
	}
	until := expiry(want.At, want.Life)
	return files.Upload{Method: signed.Method, URL: signed.URL, Headers: headers, ExpiresAt: until}, nil
}

// PresignGet implements files.Store. life is 1 second to 7 days in whole seconds, and the note on
// credentials of PresignPut holds here too.
func (s *Store) PresignGet(
	ctx context.Context,
	ref files.Ref,
	fileName string,
	now time.Time,
	life time.Duration,
) (string, time.Time, error) {
	bucket, err := s.bucket(ref)
	if err != nil {
		return "", time.Time{}, err
	}
	if err := checkLife(life); err != nil {
		return "", time.Time{}, err
	}
	signed, err := s.presign.PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket:                     aws.String(bucket),
		Key:                        aws.String(ref.Key),
		VersionId:                  version(ref),
		ResponseContentDisposition: aws.String(contentDisposition(fileName)),
	}, at(now, life))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("files: presign a get from %s: %w", ref.Bucket, err)
	}
	return signed.URL, expiry(now, life), nil
}

// Head implements files.Store.
func (s *Store) Head(ctx context.Context, ref files.Ref) (files.Info, error) {
	bucket, err := s.bucket(ref)
	if err != nil {
		return files.Info{}, err
	}
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(ref.Key), VersionId: version(ref),
	})
	if err != nil {
		return files.Info{}, failure("head", ref, err)
	}
	return info(ref, out.VersionId, out.ContentLength, out.ContentType, out.ETag), nil
}

// Get implements files.Store.
func (s *Store) Get(ctx context.Context, ref files.Ref) (io.ReadCloser, files.Info, error) {
	bucket, err := s.bucket(ref)
	if err != nil {
		return nil, files.Info{}, err
	}
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(ref.Key), VersionId: version(ref),
	})
	if err != nil {
		return nil, files.Info{}, failure("get", ref, err)
	}
	return out.Body, info(ref, out.VersionId, out.ContentLength, out.ContentType, out.ETag), nil
}

// Put implements files.Store. The body is read from where it stands to its end, and again when a
// try fails; it is an error, found before anything is sent, when that is not size bytes. The body
// is never closed.
func (s *Store) Put(
	ctx context.Context,
	ref files.Ref,
	body io.ReadSeeker,
	size int64,
	contentType string,
) (files.Info, error) {
	bucket, err := s.bucket(ref)
	if err != nil {
		return files.Info{}, err
	}
	rest, err := remaining(body)
	if err != nil {
		return files.Info{}, fmt.Errorf("files: measure the body of a put: %w", err)
	}
	if rest != size {
		return files.Info{}, fmt.Errorf("files: the body of a put holds %d bytes, not %d", rest, size)
	}
	out, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket:        aws.String(bucket),
		Key:           aws.String(ref.Key),
		Body:          body,
		ContentLength: aws.Int64(size),
		ContentType:   aws.String(contentType),
	})
	if err != nil {
		return files.Info{}, failure("put", ref, err)
	}
	return info(ref, out.VersionId, aws.Int64(size), aws.String(contentType), out.ETag), nil
}

// Versions implements files.Keeper.
func (s *Store) Versions(
	ctx context.Context, b files.Bucket, prefix string, visit func(files.Stored) error,
) error {
	name := s.names[b]
	if name == "" {
		return fmt.Errorf("files: no name is set for bucket %q", b)
	}
	pages := s3.NewListObjectVersionsPaginator(s.client, &s3.ListObjectVersionsInput{
		Bucket: aws.String(name), Prefix: aws.String(prefix),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("files: list versions in %s: %w", b, err)
		}
		for _, v := range page.Versions {
			stored := files.Stored{Newest: aws.ToBool(v.IsLatest), At: aws.ToTime(v.LastModified).UTC()}
			stored.Info = info(files.Ref{Bucket: b, Key: aws.ToString(v.Key)}, v.VersionId, v.Size, nil, v.ETag)
			if err := visit(stored); err != nil {
				return err
			}
		}
		for _, m := range page.DeleteMarkers {
			stored := files.Stored{Newest: aws.ToBool(m.IsLatest), Deletion: true, At: aws.ToTime(m.LastModified).UTC()}
			stored.Info = info(files.Ref{Bucket: b, Key: aws.ToString(m.Key)}, m.VersionId, nil, nil, nil)
			if err := visit(stored); err != nil {
				return err
			}
		}
	}
	return nil
}

// Remove implements files.Keeper.
func (s *Store) Remove(ctx context.Context, ref files.Ref) error {
	bucket, err := s.bucket(ref)
	if err != nil {
		return err
	}
	if ref.Version == "" {
		return errors.New("files: what is removed for good is a version")
	}
	_, err = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(ref.Key), VersionId: version(ref),
	})
	if err == nil {
		return nil
	}
	if err = failure("remove", ref, err); errors.Is(err, files.ErrNotFound) {
		return nil
	}
	return err
}

func (s *Store) bucket(ref files.Ref) (string, error) {
	name := s.names[ref.Bucket]
	if name == "" {
		return "", fmt.Errorf("files: no name is set for bucket %q", ref.Bucket)
	}
	if ref.Key == "" {
		return "", errors.New("files: an object needs a key")
	}
	return name, nil
}

// failure maps S3's words for a missing object to the port's. A missing bucket is a fault of the
// deployment, not an absent file; a HEAD, whose answer has no body, cannot tell the two apart.
func failure(verb string, ref files.Ref, err error) error {
	var apiErr smithy.APIError
	if errors.As(err, new(*types.NoSuchKey)) || errors.As(err, new(*types.NotFound)) ||
		errors.As(err, &apiErr) && apiErr.ErrorCode() == "NoSuchVersion" {
		return fmt.Errorf("files: %s %s/%s: %w", verb, ref.Bucket, ref.Key, files.ErrNotFound)
	}
	return fmt.Errorf("files: %s %s/%s: %w", verb, ref.Bucket, ref.Key, err)
}

func info(ref files.Ref, version *string, size *int64, contentType, etag *string) files.Info {
	if v := aws.ToString(version); v != "" {
		ref.Version = v
	}
	return files.Info{
		Ref:         ref,
		Size:        aws.ToInt64(size),
		ContentType: aws.ToString(contentType),
		ETag:        aws.ToString(etag),
	}
}

func version(ref files.Ref) *string {
	if ref.Version == "" {
		return nil
	}
	return aws.String(ref.Version)
}

func checkLife(life time.Duration) error {
	if life < time.Second || life > maxLife || life%time.Second != 0 {
		return fmt.Errorf("files: a presigned URL lives 1 second to 7 days in whole seconds, not %s", life)
	}
	return nil
}

// expiry is when S3 stops honoring a URL: it signs whole seconds, so what is below counts from the
// second's start.
func expiry(now time.Time, life time.Duration) time.Time {
	return now.UTC().Truncate(time.Second).Add(life)
}

func remaining(body io.Seeker) (int64, error) {
	start, err := body.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	end, err := body.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	if _, err := body.Seek(start, io.SeekStart); err != nil {
		return 0, err
	}
	return end - start, nil
}

// at makes a presigned URL count from the caller's now instead of the machine's clock (design,
// decision 8).
func at(now time.Time, life time.Duration) func(*s3.PresignOptions) {
	return func(o *s3.PresignOptions) {
		o.Expires = life
		o.Presigner = presignerAt{next: o.Presigner, now: now}
	}
}

type presignerAt struct {
	next s3.HTTPPresignerV4
	now  time.Time
}

// PresignHTTP implements s3.HTTPPresignerV4.
func (p presignerAt) PresignHTTP( //nolint:revive // argument-limit: the SDK says what it takes
	ctx context.Context,
	credentials aws.Credentials,
	r *http.Request,
	payloadHash, service, region string,
	_ time.Time,
	optFns ...func(*v4.SignerOptions),
) (string, http.Header, error) {
	return p.next.PresignHTTP(ctx, credentials, r, payloadHash, service, region, p.now, optFns...)
}
