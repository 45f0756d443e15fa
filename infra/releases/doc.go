// Package releases holds what earlier releases have stored, and tests that this one goes on with it
// (requirements, section 15, Versions). testdata has a folder for each release, which `make fixture`
// writes: the data of a runner with a year of an account, what its API answered, and which commit it was.
package releases
