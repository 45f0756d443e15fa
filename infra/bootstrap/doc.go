// Package bootstrap holds the test of what is deployed: the functions' own binaries, built as `make
// build` does and run as processes against a Lambda Runtime API, over the real APIs of DynamoDB and
// S3.
package bootstrap
