package main

// untouched are the operations that change something and touch no seat, person or money: their dry
// run answers empty effects (requirements, section 12, "Dry run"). What a file does is told by its
// own plan, which is checked before it is applied; the words say so.
var untouched = map[string]string{
	"add-cart-line":                noEffects,
	"archive-account":              noEffects,
	"erase-account":                ownErasure,
	"forget-user":                  ownForgetting,
	"apply-import":                 ownPlan,
	"cancel-import":                noEffects,
	"cancel-mass-configuration":    noEffects,
	"charge-cart":                  noEffects,
	"configure-mass-configuration": ownPlan,
	"create-export":                noEffects,
	"create-import":                noEffects,
	"create-mass-configuration":    noEffects,
	"correct-period":               ownLine,
	"create-request":               noEffects,
	"deny-request":                 noEffects,
	"withdraw-request":             noEffects,
	"create-quote":                 noEffects,
	"delete-cart":                  noEffects,
	"delete-cart-line":             noEffects,
	"delete-cost-center":           noEffects,
	"delete-role":                  noEffects,
	"invite-user":                  noEffects,
	"merge-cart-lines":             noEffects,
	"patch-cart":                   noEffects,
	"patch-cart-line":              noEffects,
	"patch-wallboard":              noEffects,
	"patch-wallboard-maximum":      noEffects,
	"post-usage-activity":          noEffects,
	"post-report":                  noEffects,
	"put-cart":                     noEffects,
	"put-policy":                   noEffects,
	"patch-policy":                 noEffects,
	"delete-policy":                noEffects,
	"put-wallboard-maximum":        noEffects,
	"split-cart-line":              noEffects,
	"undo-mass-configuration":      ownPlan,
}

const (
	ownForgetting = "Is of somebody who was deleted, and holds nothing: a dry run answers empty effects."
	ownErasure    = "Takes away all of an account that is closed, in which nothing is charged: a dry run answers empty effects."
	ownLine       = "Adds its amount to the bill of the present period and touches nothing that is due today or " +
		"recurs: a dry run answers empty effects."
	noEffects = "Touches no seat, person or money: a dry run answers empty effects."
	ownPlan   = "A file has a plan of its own, which its rows and needs tell before it is applied: " +
		"a dry run answers empty effects."
)
