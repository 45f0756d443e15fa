// Package path has no code, only the test of Seatwise as a whole: an account is made, licenses are
// bought, handed out and configured from a file, usage is metered and reported, over the same HTTP,
// S3 and Lambda APIs that clients use, against the runner as a process of its own; and the tests
// that stop it, and kill it, on the way.
package path
