// Package origin carries where a request came in: the address that a browser has in its address
// bar, as the gateway itself knows it, and never as a header of the request claims it.
package origin

import "context"

// Origin is the address of the API and the console.
type Origin struct {
	// URL is scheme and host, such as https://api.example.com.
	URL string
	// Base is the path before every route, with a slash at its beginning and none at its end; empty
	// for none.
	Base string
}

// Address is the address that every path stands behind.
func (o Origin) Address() string { return o.URL + o.Base }

type key struct{}

// With puts the origin into the context.
func With(ctx context.Context, o Origin) context.Context { return context.WithValue(ctx, key{}, o) }

// From is the origin of a request; the zero one when nobody said.
func From(ctx context.Context) Origin {
	o, _ := ctx.Value(key{}).(Origin)
	return o
}
