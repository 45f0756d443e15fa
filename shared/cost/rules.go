// Package cost says what each account costs its provider: what its requests and its work have taken,
// counted by the functions in the lines of their log, and AWS's list prices of that.
package cost

import "encoding/json"

// What AWS lists for us-east-1, in dollars, on demand and without free tiers; docs/cost.md says from
// when.
const (
	PerRequest    = 1.00 / 1e6   // HTTP API
	PerInvocation = 0.20 / 1e6   // Lambda
	PerGBSecond   = 0.0000133334 // Lambda on arm64
	PerRead       = 0.125 / 1e6  // DynamoDB, a read unit
	PerWrite      = 0.625 / 1e6  // DynamoDB, a write unit
	PerLogGB      = 0.50 + 0.03  // CloudWatch, taken in and kept for a month
	gigabyte      = 1 << 30      // bytes
)

// accessLine is how many bytes the gateway's own line of a request has.
const accessLine = 350

// Work is what was done, as it is counted.
type Work struct {
	Requests    int64   `json:"requests" doc:"Requests of the HTTP API."`
	Invocations int64   `json:"invocations" doc:"Runs of functions: for requests, and for work of the account alone that a queue or a file began."`
	GBSeconds   float64 `json:"gbSeconds" doc:"Time of those runs, in seconds of a gigabyte of memory."`
	ReadUnits   float64 `json:"readUnits" doc:"Units of DynamoDB that were read."`
	WriteUnits  float64 `json:"writeUnits" doc:"Units of DynamoDB that were written."`
	LogBytes    int64   `json:"logBytes" doc:"Bytes of the lines that tell of all that."`
}

// Plus is the sum of both.
func (w Work) Plus(more Work) Work {
	return Work{
		w.Requests + more.Requests, w.Invocations + more.Invocations, w.GBSeconds + more.GBSeconds,
		w.ReadUnits + more.ReadUnits, w.WriteUnits + more.WriteUnits, w.LogBytes + more.LogBytes,
	}
}

// Prices are what work costs, in dollars, by service.
type Prices struct {
	Gateway  float64 `json:"apiGateway" doc:"Requests, at the gateway."`
	Lambda   float64 `json:"lambda" doc:"Runs of functions, and their time."`
	DynamoDB float64 `json:"dynamoDB" doc:"Units that were read and written."`
	Logs     float64 `json:"cloudWatch" doc:"Lines of the log."`
	Total    float64 `json:"total" doc:"The sum of all of them."`
}

// Dollars is what the work costs at the list prices.
func (w Work) Dollars() Prices {
	p := Prices{
		Gateway:  float64(w.Requests) * PerRequest,
		Lambda:   float64(w.Invocations)*PerInvocation + w.GBSeconds*PerGBSecond,
		DynamoDB: w.ReadUnits*PerRead + w.WriteUnits*PerWrite,
		Logs:     float64(w.LogBytes) / gigabyte * PerLogGB,
	}
	p.Total = p.Gateway + p.Lambda + p.DynamoDB + p.Logs
	return p
}

// line is what of a line of the log tells of an account.
type line struct {
	Account    string  `json:"account"`
	Route      string  `json:"route"`
	Run        bool    `json:"Run"`
	GBSeconds  float64 `json:"GBSeconds"`
	ReadUnits  float64 `json:"ReadUnits"`
	WriteUnits float64 `json:"WriteUnits"`
}

// Sums adds up lines by account.
type Sums map[string]Work

// Add adds a line. Other lines may name an account too; of those there is only the line itself. What is
// no JSON is none of ours: whoever runs the functions writes into the log too.
func (s Sums) Add(text []byte) {
	var l line
	if json.Unmarshal(text, &l) != nil || l.Account == "" {
		return
	}
	w := Work{GBSeconds: l.GBSeconds, ReadUnits: l.ReadUnits, WriteUnits: l.WriteUnits, LogBytes: int64(len(text))}
	if l.Run {
		w.Invocations = 1
	}
	if l.Route != "" && l.Run {
		w.Requests, w.LogBytes = 1, w.LogBytes+accessLine
	}
	s[l.Account] = s[l.Account].Plus(w)
}
