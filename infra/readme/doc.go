// Package readme has no code, only the test that README.md is true: every line of its tour is run
// and what it prints is compared, and what else it names exists.
package readme
