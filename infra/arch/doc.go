// Package arch has no code, only the test of who may import whom (design, "Who may import whom")
// and of what lies at the top of the repository (design, decision 1). A new package is entered in
// its table of packages, a new library in its table of libraries, or the test fails.
package arch
