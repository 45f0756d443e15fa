// Command sign-in-addresses is SignInAddressesFunction: tells the deployment's own user pool where the
// console is, once the API is made.
package main

import (
	"seatwise/shared/platform/app"
	"seatwise/shared/platform/wire/plain"
	"seatwise/shared/userpool"
)

func main() { plain.StartWithUserPools(function) }

func function(pools plain.Service) app.Function {
	return app.Function{Answer: userpool.NewAddresses(pools).Answer}
}
