package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Severity says how bad a finding is.
type Severity uint8

// The severities, mildest first.
const (
	Info    Severity = iota // worth knowing
	Warning                 // wrong or risky, but the cluster works
	Error                   // data is lost or a function is stuck
	Fatal                   // the controller or a broker cannot work
)

var severityNames = [...]string{Info: "info", Warning: "warning", Error: "error", Fatal: "fatal"}

// String gives the severity in lower case.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return fmt.Sprintf("severity %d", s)
}

// MarshalText writes what String gives.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseSeverity reads what String gives.
func ParseSeverity(text string) (Severity, error) {
	if i := slices.Index(severityNames[:], text); i >= 0 {
		return Severity(i), nil
	}
	return 0, fmt.Errorf("severity %q: want one of %s", text, strings.Join(severityNames[:], ", "))
}

// How long states may last that a healthy cluster passes through.
const (
	// settleWrites is for states between two writes of one operation.
	settleWrites = 2 * time.Second
	// settleWork is for what the controller does for many partitions in turn.
	settleWork = 10 * time.Second
	// settleSession is for what ends with a broker's session: Kafka's default
	// timeout of 18 s (ZkConfigs.java) and the reaction of the controller.
	settleSession = 20 * time.Second
	// settleElection is twice the session timeout.
	settleElection = 36 * time.Second
)

// Rule is one check.
type Rule struct {
	ID       string // "KM-01"
	Title    string // what is wrong when it finds something, without subject
	Severity Severity
	// Meaning says what follows for the cluster, Fix what to do, with the
	// command where there is one.
	Meaning string
	Fix     string
	// Settle is how long the state may last in a healthy cluster; 0 for one
	// that is never right. Run reports it only when it lasts longer.
	Settle time.Duration

	check func(*cluster, *recorder)
}

// Transient says whether the state may be right for a moment.
func (r *Rule) Transient() bool { return r.Settle > 0 }

// List gives all rules in the order of their ids.
func List() []Rule { return slices.Clone(all) }

// all is in the order of ids.
var all = sortedRules(
	topicRules, assignmentRules, identityRules, controllerRules, migrationRules, partitionRules, stateRules,
	replicaRules, brokerRules, adminRules, queueRules, configRules, scramRules, aclRules, znodeACLRules,
	tokenRules, layoutRules, sizeRules, consumerRules, clockRules, balanceRules,
)

func sortedRules(areas ...[]Rule) []Rule {
	rules := slices.Concat(areas...)
	slices.SortFunc(rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	return rules
}
