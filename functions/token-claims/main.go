// Command token-claims is TokenClaimsFunction: says what the tokens of the deployment's own user pool
// hold of account, user and permissions.
package main

import (
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire/alone"
	"seatwise/shared/userpool"
)

func main() { alone.Start(function) }

func function(*app.Env) app.Function {
	return app.Function{Answer: userpool.Claims}
}
