// Package years plays random years of an account through the product's own functions, and holds every
// billing period against a plain model that shares no code with them (requirements, section 12).
//
// The model looks at the account after each step: which licenses there are, whose they are, which
// cost center each person is of, who waits, what was ordered. It knows nothing of why. Day by day it
// then asks who existed, and works out what a period must charge. The same looks tell what a step has
// changed, which is what its dry run must have foretold.
package years
