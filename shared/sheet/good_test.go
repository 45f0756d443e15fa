package sheet_test

import "testing"

func TestReadsAWorkbook(t *testing.T) {
	equal(t, read(t, newBook().bytes(), "phones.xlsx"), "Ext Key|Number|User|Addon license 1", "number:101|number:6567891230|John|device_ip_phone")
}
