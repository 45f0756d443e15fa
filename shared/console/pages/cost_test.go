package pages

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestTheHourAtWhichADayIsCounted holds what the page says against the schedule of the template.
func TestTheHourAtWhichADayIsCounted(t *testing.T) {
	template, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, function, _ := strings.Cut(string(template), "\n  CostFunction:")
	found := regexp.MustCompile(`Schedule: cron\((\d+ \d+) \* \* \? \*\)`).FindStringSubmatch(function)
	if len(found) == 0 {
		t.Fatal("the template has no such schedule")
	}
	at := countedNext(time.Date(2026, 7, 15, 9, 30, 0, 0, time.UTC))
	if said := at.Format("4 ") + strings.TrimPrefix(at.Format("15"), "0"); said != found[1] {
		t.Errorf("the page says %q, the template %q", said, found[1])
	}
}
