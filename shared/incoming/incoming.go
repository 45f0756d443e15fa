// Package incoming hands the objects that S3 tells of to those whose they are: mass configurations,
// imports and exports, which need the same and have two functions together. What a file means is
// theirs; a dropped file is always a mass configuration.
package incoming

import (
	"seatwise/shared/catalog"
	"seatwise/shared/filejob"
	"seatwise/shared/imports"
	"seatwise/shared/license"
	"seatwise/shared/massconfig"
	"seatwise/shared/platform/app"
)

func post(env *app.Env) *filejob.Post {
	kernel := license.NewService(catalog.Default())
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

// CheckFunction takes the S3 events of uploads and drops.
func CheckFunction(env *app.Env) (app.Function, error) { return post(env).Check(), nil }

// ApplyFunction takes the S3 events of wake-ups, and a schedule that finishes what was left behind.
func ApplyFunction(env *app.Env) (app.Function, error) { return post(env).Apply(), nil }
