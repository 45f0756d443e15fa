// Package inventory tells what licenses there are, who holds them and who waits: lists, searches,
// counts, and why somebody stands to a product as they do. It reads what the kernel (package
// license) writes, and changes nothing.
package inventory

import (
	"seatwise/shared/catalog"
	"seatwise/shared/license/internal/record"
)

// Service reads the licenses of accounts.
type Service struct {
	products *catalog.Catalog
	records  *record.Records
}

// NewService makes the service for the products of a catalog.
func NewService(products *catalog.Catalog) *Service {
	return &Service{products: products, records: record.NewRecords(products)}
}
