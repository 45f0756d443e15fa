package objects

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/johannesboyne/gofakes3"

	"seatwise/shared/platform/app"
)

const (
	// maxObject is the largest body of one request in bytes. gofakes3 keeps the parts of a
	// multipart upload in memory.
	maxObject = 256 << 20
	// maxChunkHeader bounds a line of the aws-chunked encoding.
	maxChunkHeader = 4 << 10
)

// Server is the S3 API over a store. Presigned URLs end by clock, which signed them; requests that
// are signed by themselves are by machine, the clock of their clients.
func Server(store *Store, clock, machine app.Clock) http.Handler {
	// The front has checked the times of signed requests.
	inner := gofakes3.New(store, gofakes3.WithTimeSource(timeSource{clock}), gofakes3.WithTimeSkewLimit(0)).Server()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
			// net/http says it when a body is read, and of an empty one nothing is read; the AWS
			// CLI waits for it before it looks for an answer.
			w.WriteHeader(http.StatusContinue)
		}
		err := authenticate(r, clock(), machine())
		if err == nil && r.ContentLength > maxObject {
			err = &refusal{http.StatusBadRequest, "EntityTooLarge", "A request body has at most 256 MiB here."}
		}
		if err == nil && r.Method == http.MethodPut && r.Header.Get(copySource) != "" {
			if strings.Contains(r.Header.Get(copySource), "?versionId=") {
				err = &refusal{
					http.StatusNotImplemented,
					"NotImplemented",
					"Only the newest version can be copied here.",
				}
			} else if r.URL.Query().Has("partNumber") {
				copyPart(w, r, store, inner)
				return
			}
		}
		if err == nil && (r.Method == http.MethodPut || r.Method == http.MethodPost) {
			err = checkedBody(r)
		}
		var no *refusal
		if errors.As(err, &no) {
			writeRefusal(w, r, no)
			return
		}
		// gofakes3 leaves out the version of HEAD; net/http sends no body in answer to a HEAD,
		// whatever the handler is told.
		if r.Method == http.MethodHead && r.URL.Query().Get("versionId") != "" {
			r = r.Clone(r.Context())
			r.Method = http.MethodGet
		}
		answer := &answer{ResponseWriter: w}
		inner.ServeHTTP(answer, r)
		answer.end()
	})
}

// The codes of answers whose status gofakes3 does not know.
const (
	codeFull gofakes3.ErrorCode = "ServiceUnavailable"
	codeSlow gofakes3.ErrorCode = "RequestTimeout"
)

// answer keeps back what gofakes3 answers as a 500, which may be another status by its code.
type answer struct {
	http.ResponseWriter
	kept *bytes.Buffer
}

func (a *answer) WriteHeader(status int) {
	if status == http.StatusInternalServerError {
		a.kept = &bytes.Buffer{}
		return
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.kept != nil {
		return a.kept.Write(p)
	}
	return a.ResponseWriter.Write(p)
}

func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) end() {
	if a.kept == nil {
		return
	}
	status := http.StatusInternalServerError
	switch {
	case bytes.Contains(a.kept.Bytes(), []byte("<Code>"+codeFull+"</Code>")):
		status = http.StatusServiceUnavailable
	case bytes.Contains(a.kept.Bytes(), []byte("<Code>"+codeSlow+"</Code>")):
		status = http.StatusBadRequest
	}
	a.ResponseWriter.WriteHeader(status)
	_, _ = a.ResponseWriter.Write(a.kept.Bytes()) // the client is gone if this fails
}

const copySource = "X-Amz-Copy-Source"

// copyPart is UploadPartCopy, which gofakes3 does not know: it uploads the part of the other object
// as a body.
func copyPart(w http.ResponseWriter, r *http.Request, store *Store, inner http.Handler) {
	source, err := url.PathUnescape(strings.TrimPrefix(r.Header.Get(copySource), "/"))
	bucket, key, ok := strings.Cut(source, "/")
	if err != nil || !ok {
		writeRefusal(w, r,
			&refusal{http.StatusBadRequest, "InvalidArgument", "The source of a copy is bucket and key."})
		return
	}
	var part *gofakes3.ObjectRangeRequest
	if text := r.Header.Get("X-Amz-Copy-Source-Range"); text != "" {
		part = &gofakes3.ObjectRangeRequest{}
		if _, err := fmt.Sscanf(text, "bytes=%d-%d", &part.Start, &part.End); err != nil || part.End < part.Start {
			writeRefusal(w, r,
				&refusal{http.StatusBadRequest, "InvalidArgument", "The range of a copy is bytes=first-last."})
			return
		}
	}
	o, err := store.GetObject(bucket, key, part)
	if err != nil {
		writeRefusal(w, r, &refusal{http.StatusNotFound, "NoSuchKey", "The source of the copy cannot be read."})
		return
	}
	defer o.Contents.Close()
	size := o.Size
	if o.Range != nil {
		size = o.Range.Length
	}
	upload := r.Clone(r.Context())
	upload.Header.Del(copySource)
	upload.Header.Set("Content-Length", strconv.FormatInt(size, 10))
	upload.ContentLength, upload.Body = size, o.Contents
	outcome := &bodiless{header: http.Header{}}
	inner.ServeHTTP(outcome, upload)
	if outcome.status >= http.StatusBadRequest {
		writeRefusal(w, r, &refusal{outcome.status, "InvalidRequest", "The part could not be stored."})
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = io.WriteString(w, xml.Header) // the client is gone if these fail
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName      xml.Name             `xml:"CopyPartResult"`
		LastModified gofakes3.ContentTime `xml:"LastModified"`
		ETag         string               `xml:"ETag"`
	}{LastModified: gofakes3.NewContentTime(store.clock()), ETag: outcome.header.Get("Etag")})
}

// bodiless keeps the status and header of an answer.
type bodiless struct {
	header http.Header
	status int
}

func (b *bodiless) Header() http.Header         { return b.header }
func (b *bodiless) WriteHeader(status int)      { b.status = status }
func (b *bodiless) Write(p []byte) (int, error) { return len(p), nil }

type timeSource struct{ now app.Clock }

func (t timeSource) Now() time.Time                   { return t.now() }
func (t timeSource) Since(at time.Time) time.Duration { return t.now().Sub(at) }

func writeRefusal(w http.ResponseWriter, r *http.Request, no *refusal) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(no.status)
	if r.Method == http.MethodHead {
		return
	}
	body := struct {
		XMLName  xml.Name `xml:"Error"`
		Code     string   `xml:"Code"`
		Message  string   `xml:"Message"`
		Resource string   `xml:"Resource"`
	}{Code: no.code, Message: no.message, Resource: r.URL.Path}
	_, _ = io.WriteString(w, xml.Header) // the client is gone if these fail
	_ = xml.NewEncoder(w).Encode(body)
}

// checkedBody replaces the body of a request by one that is decoded, if it came in chunks of AWS's
// own encoding, and that fails at its end when it is not what the request's checksums say.
func checkedBody(r *http.Request) error {
	var checks []check
	sum := r.Header.Get("X-Amz-Content-Sha256")
	streaming := strings.HasPrefix(sum, "STREAMING-")
	if !streaming && sum != "" && sum != unsignedPayload {
		raw, err := hex.DecodeString(sum)
		if err != nil || len(raw) != sha256.Size {
			return &refusal{http.StatusBadRequest, "InvalidArgument", "X-Amz-Content-Sha256 is no SHA-256."}
		}
		checks = append(checks, check{sha256.New(), raw})
	}
	query := r.URL.Query()
	for name, newHash := range checksums {
		value := r.Header.Get(name)
		if value == "" {
			value = query.Get(name) // a presigned URL may carry it there
		}
		if value == "" || query.Has("uploadId") && r.Method == http.MethodPost {
			continue // that of a completed multipart upload is one of its parts' checksums
		}
		raw, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return &refusal{http.StatusBadRequest, "InvalidRequest", name + " is not base64."}
		}
		checks = append(checks, check{newHash(), raw})
	}
	var body io.Reader = r.Body
	if streaming {
		size, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
		if err != nil || size < 0 || size > maxObject {
			return &refusal{
				http.StatusLengthRequired,
				"MissingContentLength",
				"X-Amz-Decoded-Content-Length is missing.",
			}
		}
		chunks := &chunkReader{in: bufio.NewReaderSize(r.Body, maxChunkHeader)}
		if newHash, ok := checksums[http.CanonicalHeaderKey(r.Header.Get("X-Amz-Trailer"))]; ok {
			chunks.trailer, chunks.sum = r.Header.Get("X-Amz-Trailer"), newHash()
		}
		body = chunks
		r.ContentLength = size
		r.Header.Set("Content-Length", strconv.FormatInt(size, 10))
		r.Header.Set("X-Amz-Content-Sha256", unsignedPayload)
		encoding := strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Content-Encoding"), "aws-chunked"), ",")
		if encoding == "" {
			r.Header.Del("Content-Encoding")
		} else {
			r.Header.Set("Content-Encoding", strings.Trim(encoding, ", "))
		}
	}
	r.Body = &checkedReader{body, checks, r.Body}
	return nil
}

// checksums are those that S3 knows, by the header that carries them in base64.
var checksums = map[string]func() hash.Hash{
	"X-Amz-Checksum-Sha256":    sha256.New,
	"X-Amz-Checksum-Sha1":      sha1.New,
	"X-Amz-Checksum-Crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"X-Amz-Checksum-Crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"X-Amz-Checksum-Crc64nvme": func() hash.Hash { return crc64.New(nvme) },
}

// nvme is the polynomial of CRC-64/NVME, reversed.
var nvme = crc64.MakeTable(0x9a6c9329ac4bc9b5)

type check struct {
	hash hash.Hash
	want []byte
}

// checkedReader passes a body on and replaces its end by an error when a checksum is another.
type checkedReader struct {
	io.Reader
	checks []check
	io.Closer
}

func (c *checkedReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	for _, one := range c.checks {
		one.hash.Write(p[:n])
		if errors.Is(err, io.EOF) && !bytes.Equal(one.hash.Sum(nil), one.want) {
			return n, gofakes3.ErrorMessage(gofakes3.ErrBadDigest, "The body is not what its checksum says.")
		}
	}
	return n, err
}

// chunkReader decodes aws-chunked: lines of a size in hexadecimal with extensions, each followed by
// as many bytes, the last of size 0 and then trailers. Signatures of chunks are not checked.
type chunkReader struct {
	in      *bufio.Reader
	left    int64
	begun   bool
	done    bool
	trailer string // the name of the trailer that holds a checksum
	sum     hash.Hash
}

func (c *chunkReader) Read(p []byte) (int, error) {
	if c.done {
		return 0, io.EOF
	}
	if c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
		if c.done {
			return 0, io.EOF
		}
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if c.sum != nil {
		c.sum.Write(p[:n])
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next reads up to the next chunk's first byte, or to the end.
func (c *chunkReader) next() error {
	if c.begun {
		if line, err := c.line(); err != nil || line != "" {
			return io.ErrUnexpectedEOF
		}
	}
	c.begun = true
	line, err := c.line()
	if err != nil {
		return io.ErrUnexpectedEOF // the last chunk says that it is the last
	}
	size, _, _ := strings.Cut(line, ";")
	if c.left, err = strconv.ParseInt(size, 16, 64); err != nil || c.left < 0 || c.left > maxObject {
		return gofakes3.ErrorMessage(gofakes3.ErrIncompleteBody, "A chunk's size cannot be read.")
	}
	if c.left > 0 {
		return nil
	}
	c.done = true
	for {
		line, err := c.line()
		if errors.Is(err, io.EOF) || err == nil && line == "" {
			return nil // some clients leave out the empty line at the end
		}
		if err != nil {
			return err
		}
		name, value, _ := strings.Cut(line, ":")
		if c.sum == nil || !strings.EqualFold(name, c.trailer) {
			continue
		}
		if want, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value)); err != nil ||
			!bytes.Equal(c.sum.Sum(nil), want) {
			return gofakes3.ErrorMessage(gofakes3.ErrBadDigest, "The body is not what its checksum says.")
		}
	}
}

func (c *chunkReader) line() (string, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return "", io.EOF
		}
		return "", fmt.Errorf("aws-chunked: %w", io.ErrUnexpectedEOF)
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}
