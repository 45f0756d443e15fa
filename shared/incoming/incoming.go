// Package incoming hands the objects that S3 tells of to their owners: mass configurations, imports
// and exports, which need the same and have two functions together. What a file means is theirs; a
// dropped file is always a mass configuration.
package incoming

import (
	"seatwise/shared/filejob"
	"seatwise/shared/imports"
	"seatwise/shared/license"
	"seatwise/shared/massconfig"
	"seatwise/shared/platform/app"
)

// New makes what both functions hand objects on with.
func New(env *app.Env, kernel *license.Service) *filejob.Post {
	phones := massconfig.NewService(env, kernel)
	return &filejob.Post{
		Env: env,
		Modules: []filejob.Carrier{
			phones.Jobs(),
			imports.NewService(env, kernel).Jobs(),
			imports.NewExports(env, kernel),
		},
		Others: phones.Drop,
	}
}
