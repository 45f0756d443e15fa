package directory

import (
	"fmt"

	"seatwise/shared/platform/call"
	"seatwise/shared/platform/table"
)

// The keys of the directory; docs/data-model.md says what each costs.

// roleUsersPartition lists who has a role.
func roleUsersPartition(account, role string) string {
	return call.Partition(account, "ROLE-USERS", role)
}

func roleUserKey(account, role, user string) table.Key {
	return table.Key{Partition: roleUsersPartition(account, role), Sort: user}
}

// adminsKey counts the active users with the role super-admin.
func adminsKey(account string) table.Key {
	return table.Key{Partition: call.Partition(account, "SUPER-ADMINS"), Sort: "COUNT"}
}

func queuesPartition(account string) string { return call.Partition(account, "QUEUES") }

func queueKey(account, queue string) table.Key {
	return table.Key{Partition: queuesPartition(account), Sort: queue}
}

func membersPartition(account, queue string) string {
	return call.Partition(account, "QUEUE-MEMBERS", queue)
}

// memberKey is one chunk of a queue's members, or of those who left it.
func memberKey(account, queue string, leaving bool, chunk int) table.Key {
	kind := "MEMBERS"
	if leaving {
		kind = "LEAVING"
	}
	return table.Key{Partition: membersPartition(account, queue), Sort: fmt.Sprintf("%s#%04d", kind, chunk)}
}

// memberOfPartition lists the queues of a user: what the queues' own lists say, seen from the other
// side.
func memberOfPartition(account, user string) string {
	return call.Partition(account, "MEMBER-OF", user)
}

func memberOfKey(account, user, queue string) table.Key {
	return table.Key{Partition: memberOfPartition(account, user), Sort: queue}
}

func dashboardsPartition(account string) string { return call.Partition(account, "DASHBOARDS") }

func dashboardKey(account, dashboard string) table.Key {
	return table.Key{Partition: dashboardsPartition(account), Sort: dashboard}
}

func monitoredPartition(account string) string { return call.Partition(account, "MONITORED") }

// monitoredUntil lists, in Index1, the monitored users by the day on which they were so last, so
// that a day's work is with those of the day.
func monitoredUntil(account string) string { return call.Partition(account, "MONITORED-UNTIL") }

// monitoredChanged lists, in Index2, the monitored users by the moment of the last change of when they were, so
// that a run reads what changed since the one before it.
func monitoredChanged(account string) string { return call.Partition(account, "MONITORED-CHANGED") }

// MonitoredKey is where it says when a user was a member of which monitored queues.
func MonitoredKey(account, user string) table.Key {
	return table.Key{Partition: monitoredPartition(account), Sort: user}
}

// goneKey is where the name of what was deleted is kept; kind is goneUser, goneQueue or
// goneDashboard.
func goneKey(account, kind, id string) table.Key {
	return table.Key{Partition: call.Partition(account, "GONE"), Sort: kind + "#" + id}
}

const (
	goneUser      = "user"
	goneQueue     = "queue"
	goneDashboard = "dashboard"
)

// The markers of each kind of work that a change leaves behind, by its subject and an id of each. A
// marker is written in the commit of the change, and deleted when the work is done; the maintenance
// function finishes what was left.
var (
	queueMarkers = call.OwnMarkers("QUEUE") // grants of a queue's members
	roleMarkers  = call.OwnMarkers("ROLE")  // what a role carries to its users
	// grants of one user's queues; of a deleted user, their memberships; wallboards that have ended
	userMarkers = call.OwnMarkers("USER")
)

// mark says that work is pending, and who began it.
func marker(c *call.Call, of call.Markers, subject string) table.Operation {
	return table.Put(of.Item(c.Account, subject+"#"+c.Env.IDs.Ordered(), c.Cause().Data()), table.IfAbsent)
}
