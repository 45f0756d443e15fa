package runner

import (
	"net/http"

	"github.com/rs/cors"
)

// crossOrigin is what API Gateway does for the allowed origins: it answers preflights itself and
// adds the headers to every answer. What is allowed is what the template's CorsConfiguration says.
func (r *runner) crossOrigin(next http.Handler) http.Handler {
	if len(r.config.AllowedOrigins) == 0 {
		return next
	}
	return cors.New(cors.Options{
		AllowedOrigins: r.config.AllowedOrigins,
		AllowedMethods: []string{
			http.MethodGet,
			http.MethodPost,
			http.MethodPut,
			http.MethodPatch,
			http.MethodDelete,
			http.MethodOptions,
		},
		AllowedHeaders: []string{
			"Authorization",
			"Content-Type",
			"Idempotency-Key",
			"If-Match",
			"If-None-Match",
			"If-Plan",
			"Accept",
			"Accept-Language",
		},
		ExposedHeaders: []string{
			"Etag",
			"Location",
			"Idempotent-Replayed",
			"Retry-After",
			"X-Request-Id",
			"Www-Authenticate",
			"Allow",
			"Content-Disposition",
		},
		MaxAge: 3600,
	}).Handler(next)
}

// uploads lets the console's pages put files to presigned addresses, as the template's bucket does
// for the console's origin alone.
func (r *runner) uploads(next http.Handler) http.Handler {
	return cors.New(cors.Options{
		AllowedOrigins: []string{r.address}, AllowedMethods: []string{http.MethodPut}, AllowedHeaders: []string{"*"},
		ExposedHeaders: []string{"Etag"}, MaxAge: 3600,
	}).Handler(next)
}
