// Package directory keeps who works at an account and what is monitored: users, roles, call queues
// and dashboards (requirements, section 6), and turns their changes into grants through the kernel,
// package license.
package directory

import (
	"time"

	"seatwise/shared/license"
	"seatwise/shared/platform/access"
)

// SuperAdmin is the role that every account has; it carries every permission that a role can, and
// cannot be changed (requirements, sections 6 and 9).
const SuperAdmin = access.SuperAdmin

// User is a person of the account.
type User struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Email     string   `json:"email,omitempty"`
	Extension string   `json:"extension,omitempty" doc:"Phone extension; leading zeros count."`
	Number    string   `json:"number,omitempty" doc:"The extension's direct number."`
	RoleIDs   []string `json:"roleIds" nullable:"false"`
	Active    bool     `json:"active"`
	// AdminOfCostCenters is what the user's permissions are limited to.
	AdminOfCostCenters []string `json:"adminOfCostCenters" nullable:"false" doc:"Cost centers of which the user is admin: their permissions are for these alone. Empty for no such limit."`
	// CostCenter is the kernel's, as extension and number are.
	CostCenter string `json:"costCenter,omitempty" doc:"What the user consumes is charged to it, and seats of it are given to them first, also where it is fenced."`
	// Licenses are the metered products that this user holds directly, however they came; what a
	// role carries is not among them unless it was given by a person too.
	Licenses    []string `json:"licenses" nullable:"false" doc:"Metered products that the user holds directly, however they came."`
	AgentSource string   `json:"agentSource,omitempty" enum:"manual,pbx" doc:"Where the agent-user license comes from."`
	// Holdings are all licenses that the user holds, with their grants.
	Holdings []UserLicense `json:"holdings" nullable:"false" doc:"All licenses that the user holds."`
}

// fresh is a user who is not there yet.
func fresh(id string) User {
	return User{
		ID: id, RoleIDs: []string{}, AdminOfCostCenters: []string{}, Licenses: []string{}, Active: true,
		Holdings: []UserLicense{},
	}
}

// UserLicense is one license that a user holds.
type UserLicense struct {
	LicenseID string          `json:"licenseId" format:"uuid"`
	ProductID string          `json:"productId"`
	Grants    []license.Grant `json:"grants" nullable:"false"`
}

// profile is a user's document; extension, number and licenses held are the kernel's.
type profile struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Email   string   `json:"email,omitempty"`
	RoleIDs []string `json:"roleIds,omitempty"`
	Active  bool     `json:"active"`
	// AdminOfCostCenters is read by package access too.
	AdminOfCostCenters []string `json:"adminOfCostCenters,omitempty"`
	AgentSource        string   `json:"agentSource,omitempty"`
	// AgentLicense is the agent-user license that AgentSource was said of; of another one, which
	// came by an assignment, nothing was said.
	AgentLicense string    `json:"agentLicense,omitempty"`
	ChangedAt    time.Time `json:"changedAt"`
}

// Role gives permissions, and metered products, to the users that have it.
type Role struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Permissions []string `json:"permissions" nullable:"false"`
	Licenses    []string `json:"licenses" nullable:"false" doc:"Metered products that the role carries."`
}

// Queue is a call queue with its members.
type Queue struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Members []string `json:"members" nullable:"false" doc:"User ids."`
	// Dashboards that show the queue; it is monitored while there is one.
	Dashboards []string `json:"dashboards" nullable:"false" doc:"Dashboards that show the queue."`
	Settling   bool     `json:"settling,omitempty" doc:"Grants of the members are still being given or withdrawn; that continues automatically."`
}

// queueItem is a queue's document; the members lie in chunks beside it, so that a queue may be
// larger than one item.
type queueItem struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Dashboards []string `json:"dashboards,omitempty"`
	Chunks     int      `json:"chunks"`
	Leaving    int      `json:"leaving,omitempty"` // chunks of users who left and whose grants are not yet withdrawn
	Deleted    bool     `json:"deleted,omitempty"` // invisible; goes when the grants are withdrawn
	// Settled counts the commits that changed nothing but what is yet to be done; the entity tag
	// leaves them out.
	Settled int64 `json:"settled,omitempty"`
	// Shown tells when which dashboards showed the queue, for the days of the past that reports are
	// about.
	Shown Spans `json:"shown,omitempty"`
	// ChangedAt is when members or dashboards were changed last: from then on memberships hold, or
	// no longer hold, however late the grants follow.
	ChangedAt time.Time `json:"changedAt,omitzero"`
}

// Dashboard is a Live Reports dashboard with the queues it shows.
type Dashboard struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	QueueIDs []string `json:"queueIds" nullable:"false"`
}

// DashboardWithGrants is a dashboard and what it means for the members of its queues.
type DashboardWithGrants struct {
	Dashboard
	Grants   GrantCounts `json:"grants"`
	Settling bool        `json:"settling,omitempty" doc:"Of the answer to a change: more grants follow automatically."`
}

// GrantCounts counts the members of a dashboard's queues by how they stand to live-reports; each
// person counts once.
type GrantCounts struct {
	Granted  int `json:"granted"`
	Waiting  int `json:"waiting"`
	Covered  int `json:"covered"`
	Excluded int `json:"excluded"`
}

// Monitored tells when a user was a member of which monitored queues (requirements, section 6:
// membership counts for a day when it held at any time in it).
type Monitored struct {
	UserID string `json:"userId"`
	Queues Spans  `json:"queues"`
}

// Spans tell when something held, by id: of a user the queues, of a queue the dashboards.
type Spans map[string][]Interval

// Gone is what is remembered of a user, queue or dashboard that was deleted, for the reports about
// the time when it was there.
type Gone struct {
	Name      string `json:"name"`
	Extension string `json:"extension,omitempty"`
	Email     string `json:"email,omitempty"`
	Shown     Spans  `json:"shown,omitempty"` // of a queue
}

// Interval is a span of time, From inclusive; a zero To is still open.
type Interval struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"`
}
