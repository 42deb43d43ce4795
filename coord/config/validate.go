package config

import (
	"cmp"
	"fmt"
	"slices"
)

// validate checks what no single key can show, in the order in which ZooKeeper
// checks it and with its texts.
//
// ZooKeeper: QuorumPeerConfig.parseProperties and checkValidity.
func (b *builder) validate() {
	c := b.config
	b.require(c.DataDir != "", "dataDir", "dataDir is not set")
	b.require(c.ClientPort != 0 || c.ClientPortAddress == "" || c.Listen.RandomClientPort, "clientPortAddress",
		"clientPortAddress is set but clientPort is not set")
	b.require(c.SecureClientPort != 0 || c.SecureClientPortAddress == "", "secureClientPortAddress",
		"secureClientPortAddress is set but secureClientPort is not set")
	switch {
	case c.TickTime == 0:
		b.require(false, "tickTime", "tickTime is not set")
	case c.TickTime < 0:
		b.require(false, "tickTime", "tickTime must be above 0 ms")
	}
	b.require(c.MinSessionTimeout <= c.MaxSessionTimeout, "minSessionTimeout",
		"minSessionTimeout must not be larger than maxSessionTimeout")
	b.require(c.MaxBuffer > 0, "jute.maxbuffer", "jute.maxbuffer must be above 0 bytes")
	b.require(c.Container.CheckInterval > 0, "znode.container.checkIntervalMs", "znode.container.checkIntervalMs must be above 0 ms")
	b.require(c.Container.MaxPerMinute > 0, "znode.container.maxPerMinute", "znode.container.maxPerMinute must be above 0")
	b.validateEnforcedAuth()
	b.validateQuorum()
	b.warnUnsafe()
}

// require reports text against a key unless the condition holds.
func (b *builder) require(holds bool, name, text string) {
	if holds {
		return
	}
	p, _ := b.setting(keys.byName[name])
	b.fail(p, text, nil)
}

// validateEnforcedAuth: without a usable scheme every client would be refused.
func (b *builder) validateEnforcedAuth() {
	c := b.config
	if !c.EnforceAuth.Enabled {
		return
	}
	b.require(len(c.EnforceAuth.Schemes) > 0, "enforce.auth.enabled",
		"enforce.auth.enabled is true but enforce.auth.schemes is not set; name the schemes that count, such as enforce.auth.schemes=digest")
	for _, scheme := range c.EnforceAuth.Schemes {
		b.require(slices.Contains([]string{"digest", "ip"}, scheme), "enforce.auth.schemes",
			fmt.Sprintf("authentication scheme %s is not available; use digest or ip (TLS and SASL, and with them x509 and sasl, are not served by this version)", scheme))
		b.require(scheme != "digest" || c.Digest.Enabled, "enforce.auth.schemes",
			"authentication scheme digest is not available: DigestAuthenticationProvider.enabled is false")
	}
}

func (b *builder) validateQuorum() {
	q := &b.config.Quorum
	for _, s := range q.Servers {
		b.require(len(s.Addresses) == 1 || q.MultiAddressEnabled, "multiAddress.enabled",
			fmt.Sprintf("Multiple address feature is disabled, but multiple addresses were specified for sid %d", s.ID))
		b.require(s.ID <= idMaxWithExtendedTypes || !b.config.ExtendedTypes, "extendedTypesEnabled",
			fmt.Sprintf("server id %d is above %d, which TTL nodes (extendedTypesEnabled) do not allow", s.ID, idMaxWithExtendedTypes))
	}
	if len(q.Servers) > 0 {
		b.validateGroups()
	}
	if !q.Distributed() {
		return
	}
	for i := range q.Servers {
		switch id := q.Servers[i].ID; {
		case id < 1:
			b.failMember(id, "", "the number of a server of an ensemble must be 1 or more; number the servers from 1, here and in their myid files")
		case id > idMaxOfSessions:
			b.warn(WarnUnsafe, b.memberProperty(id), "server.%d: sessions carry only the last byte of this number, here as in ZooKeeper,"+
				" so another server may give out the same session ids; number the servers from 1 to %d", id, idMaxOfSessions)
		}
	}
	for _, limit := range []struct {
		name, purpose string
		ticks         int
	}{
		{"initLimit", "may take to join; for example initLimit=10", q.InitLimit},
		{"syncLimit", "may be silent; for example syncLimit=5", q.SyncLimit},
	} {
		if limit.ticks == 0 {
			b.failMember(q.Servers[0].ID, limit.name,
				limit.name+" is not set; with several servers it says how many ticks a server "+limit.purpose)
		}
		b.require(limit.ticks >= 0, limit.name, limit.name+" must be above 0 ticks")
	}
}

// failMember reports a fault at the line of a server. key is what the fault is
// about, "" for the line itself.
func (b *builder) failMember(id int64, key, text string) {
	line := fmt.Sprintf("server.%d", id)
	e := &Error{File: b.config.File, Key: cmp.Or(key, line), Text: text, Exit: ExitInvalidInvocation}
	if key == "" {
		e.File = cmp.Or(b.config.Quorum.DynamicConfigFile, e.File)
	}
	e.Line = b.memberProperty(id).Line
	b.faults = append(b.faults, e)
}

// memberProperty is the setting of a server's line; without a line number when it
// stands in the dynamic configuration file.
func (b *builder) memberProperty(id int64) Property {
	name := fmt.Sprintf("server.%d", id)
	for _, m := range b.members {
		if m.property.Key == name {
			return m.property
		}
	}
	return Property{Key: name}
}

// idMaxOfSessions: the first byte of a session id is the server's number.
const idMaxOfSessions = 255

// idMaxWithExtendedTypes: TTL nodes mark themselves in the byte of the server id.
const idMaxWithExtendedTypes = 254

// validateGroups: with groups every participant belongs to exactly one.
func (b *builder) validateGroups() {
	q := &b.config.Quorum
	voters := 0
	for _, s := range q.Servers {
		if s.Role == RoleParticipant {
			voters++
		}
	}
	if voters == 0 {
		b.faults = append(b.faults, &Error{
			File: b.config.File, Exit: ExitInvalidInvocation,
			Text: "Observers w/o participants is an invalid configuration",
		})
	}
	if len(q.Groups) == 0 {
		return
	}
	seen := make(map[int64]int64)
	for _, g := range q.Groups {
		for _, id := range g.Members {
			if former, twice := seen[id]; twice {
				b.failGroups(fmt.Sprintf("Server %d is in multiple groups: %d and %d", id, former, g.ID))
			}
			seen[id] = g.ID
		}
	}
	for _, s := range q.Servers {
		if _, ok := seen[s.ID]; !ok && s.Role == RoleParticipant {
			b.failGroups(fmt.Sprintf("server.%d is in no group; list it in one group.N line", s.ID))
		}
	}
}

func (b *builder) failGroups(text string) {
	b.faults = append(b.faults, &Error{File: b.config.File, Key: "group.N", Text: text, Exit: ExitInvalidInvocation})
}

// warnUnsafe names settings that are honoured and give up safety.
func (b *builder) warnUnsafe() {
	c := b.config
	if !c.ForceSync {
		p, _ := b.setting(keys.byName["forceSync"])
		b.warn(WarnUnsafe, p, "forceSync=no: acknowledged writes may be lost when the machine stops")
	}
	if c.SkipACL {
		p, _ := b.setting(keys.byName["skipACL"])
		b.warn(WarnUnsafe, p, "skipACL=yes: no access control list is checked, every client may read and change everything")
	}
	if value, _ := c.Property("allowSaslFailedClients"); value == "true" {
		p := c.properties["allowSaslFailedClients"]
		b.warn(WarnUnsafe, p, "allowSaslFailedClients=true: clients that fail to authenticate are served")
	}
}
