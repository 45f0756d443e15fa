package statement

import (
	"context"
	"fmt"
	"io"
)

// HTML writes the statement as one HTML page in UTF-8. It fails only if w does.
func HTML(w io.Writer, s Source) error {
	if err := view(newPage(s)).Render(context.Background(), w); err != nil {
		return fmt.Errorf("statement: html: %w", err)
	}
	return nil
}

// PeriodHTML writes the statement of a billing period as one HTML page in UTF-8. It fails only if w
// does.
func PeriodHTML(w io.Writer, s PeriodSource) error {
	if err := periodView(newPeriodPage(s)).Render(context.Background(), w); err != nil {
		return fmt.Errorf("statement: html: %w", err)
	}
	return nil
}
