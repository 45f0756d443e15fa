package plan

import (
	"context"
	"io"

	"seatwise/shared/platform/files"
	"seatwise/shared/platform/table/overlay"
)

// Files makes a store of files to which a dry run writes nothing.
func Files(store files.Store) files.Store {
	if _, already := store.(dryFiles); already || store == nil {
		return store
	}
	return dryFiles{store}
}

type dryFiles struct{ files.Store }

// Put writes nothing in a dry run, and says what it would have written.
func (s dryFiles) Put(
	ctx context.Context, ref files.Ref, body io.ReadSeeker, size int64, contentType string,
) (files.Info, error) {
	if overlay.Dry(ctx) {
		return files.Info{Ref: ref, Size: size, ContentType: contentType}, nil
	}
	return s.Store.Put(ctx, ref, body, size, contentType)
}
