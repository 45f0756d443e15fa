// Package kills kills the runner, a process of its own, again and again while clients work with it,
// starts it on the same data each time, and demands that nothing acknowledged was lost, that a
// request repeated under its key takes effect once, that the files of the store are sound and that
// every job is finished in the end (design, I10, I11 and I14). `make kills` runs a long round, the
// tests a short one. It has no code but its tests.
package kills
