// Command console is ConsoleFunction: the admin's and the operator's pages, a client of the HTTP
// API (spec 11).
package main

import (
	"seatwise/shared/console"
	"seatwise/shared/platform/wire/plain"
)

func main() { plain.StartConsole(console.Function) }
