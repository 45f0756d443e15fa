// Package browser proves the console in a real browser: its tests start Chromium and do at its
// pages what a person does, by mouse, by keyboard alone and without script. `make browser` runs
// them; docs/seed-tasks.md lists what the portals' own instructions are, and which test carries
// each out.
package browser
