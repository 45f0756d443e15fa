package dynamo

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"seatwise/shared/platform/table"
)

// The attributes of an item.
const (
	partitionName = "pk"
	sortName      = "sk"
	versionName   = "v"
	schemaName    = "f" // table.Schema of the release that put the item
	dataName      = "d"
	expiresName   = "ttl"
	countPrefix   = "n_"
)

// IndexName is the name of a secondary index: index1, index2 or index3.
func IndexName(index table.Index) string { return "index" + strconv.Itoa(int(index)) }

// keyNames returns the names of the partition and the sort key of the table or an index.
func keyNames(index table.Index) (partition, sort string) {
	if index == table.Base {
		return partitionName, sortName
	}
	n := "i" + strconv.Itoa(int(index))
	return n + "p", n + "s"
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func keyOf(key table.Key) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{partitionName: text(key.Partition), sortName: text(key.Sort)}
}

// encode makes the attributes of an item. What is zero is left out, but for the version.
func encode(item table.Item) map[string]types.AttributeValue {
	a := keyOf(item.Key)
	a[versionName] = number(item.Version)
	a[schemaName] = number(table.Schema)
	if len(item.Data) > 0 {
		a[dataName] = text(string(item.Data))
	}
	for name, n := range item.Counts {
		a[countPrefix+name] = number(n)
	}
	for i, indexKey := range item.IndexKeys {
		if indexKey != (table.Key{}) {
			partition, sort := keyNames(table.Index(i + 1))
			a[partition], a[sort] = text(indexKey.Partition), text(indexKey.Sort)
		}
	}
	if item.Expires != 0 {
		a[expiresName] = number(item.Expires)
	}
	return a
}

// decode reads what encode made, with what adds have made of it since: an item that an add began
// has no version, and no schema version.
func decode(a map[string]types.AttributeValue) (table.Item, error) {
	d := decoder{attributes: a}
	item := table.Item{
		Key:     table.Key{Partition: d.text(partitionName), Sort: d.text(sortName)},
		Version: d.number(versionName),
		Expires: d.number(expiresName),
	}
	if err := table.ReadableSchema(item.Key, d.number(schemaName)); err != nil {
		return table.Item{}, err
	}
	if data := d.text(dataName); data != "" {
		item.Data = []byte(data)
	}
	for name := range a {
		if count, ok := strings.CutPrefix(name, countPrefix); ok {
			if item.Counts == nil {
				item.Counts = make(map[string]int64)
			}
			item.Counts[count] = d.number(name)
		}
	}
	for i := range item.IndexKeys {
		partition, sort := keyNames(table.Index(i + 1))
		item.IndexKeys[i] = table.Key{Partition: d.text(partition), Sort: d.text(sort)}
	}
	return item, d.err
}

// decoder takes attributes of one type or another; a missing one is zero, and the first wrong one
// stays as err.
type decoder struct {
	attributes map[string]types.AttributeValue
	err        error
}

func (d *decoder) text(name string) string {
	switch v := d.attributes[name].(type) {
	case nil:
	case *types.AttributeValueMemberS:
		return v.Value
	default:
		d.wrong(name)
	}
	return ""
}

func (d *decoder) number(name string) int64 {
	switch v := d.attributes[name].(type) {
	case nil:
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(v.Value, 10, 64)
		if err == nil {
			return n
		}
		d.wrong(name)
	default:
		d.wrong(name)
	}
	return 0
}

func (d *decoder) wrong(name string) {
	if d.err == nil {
		d.err = fmt.Errorf("attribute %s of an item is not what Seatwise writes", name)
	}
}
