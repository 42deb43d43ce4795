package model

import (
	"fmt"
	"strconv"
)

// EntityType is what a configuration is for; its text is the directory below
// /config. Kafka: ConfigType.
type EntityType string

// The types of configured entities.
const (
	Topics  EntityType = "topics"
	Brokers EntityType = "brokers"
	Users   EntityType = "users"
	Clients EntityType = "clients"
	IPs     EntityType = "ips"
)

// EntityTypes are all types in the order in which brokers load them.
var EntityTypes = []EntityType{Topics, Clients, Users, IPs, Brokers}

// Known says whether t is a type of Kafka's.
func (t EntityType) Known() bool {
	switch t {
	case Topics, Brokers, Users, Clients, IPs:
		return true
	}
	return false
}

// sanitized says whether names of this type are stored percent-encoded.
func (t EntityType) sanitized() bool { return t == Users || t == Clients }

// DefaultEntityName stands for all entities of a type without a configuration
// of their own. A user of this very name is stored as "%3Cdefault%3E".
const DefaultEntityName = "<default>"

// Entity names what a configuration is for. Name and Client are in stored
// form, so that every node has exactly one Entity; the constructors sanitise.
type Entity struct {
	Type   EntityType
	Name   string // as in the path, DefaultEntityName included
	Client string // second part of a user and client pair; "" for all others
}

// TopicEntity names a topic.
func TopicEntity(topic string) Entity { return Entity{Type: Topics, Name: topic} }

// BrokerEntity names a broker.
func BrokerEntity(id int32) Entity { return Entity{Type: Brokers, Name: strconv.Itoa(int(id))} }

// UserEntity names a user by its principal name without "User:".
func UserEntity(user string) Entity { return Entity{Type: Users, Name: Sanitize(user)} }

// ClientEntity names a client id.
func ClientEntity(client string) Entity { return Entity{Type: Clients, Name: Sanitize(client)} }

// IPEntity names an address, in the text form that the operator gave.
func IPEntity(address string) Entity { return Entity{Type: IPs, Name: address} }

// DefaultEntity names the default of a type.
func DefaultEntity(t EntityType) Entity { return Entity{Type: t, Name: DefaultEntityName} }

// WithClient gives the entity of a client id of this user.
func (e Entity) WithClient(client string) Entity {
	e.Client = Sanitize(client)
	return e
}

// WithDefaultClient gives the entity of this user's clients without a
// configuration of their own.
func (e Entity) WithDefaultClient() Entity {
	e.Client = DefaultEntityName
	return e
}

// String gives the path below /config, as change notifications name it.
func (e Entity) String() string {
	if e.Client != "" {
		return string(e.Type) + "/" + e.Name + "/clients/" + e.Client
	}
	return string(e.Type) + "/" + e.Name
}

// ParseEntity reads the path below /config of a change notification.
func ParseEntity(text string) (Entity, error) {
	n, err := Classify(ConfigPath + "/" + text)
	if err != nil || n.Kind != KindConfig {
		return Entity{}, fmt.Errorf("entity path %q: want TYPE/NAME or users/NAME/clients/NAME, with a type of %v", text, EntityTypes)
	}
	return n.Entity, nil
}

// IsDefault says whether the entity, or for a pair its client, is the default.
func (e Entity) IsDefault() bool {
	return e.Client == DefaultEntityName || e.Client == "" && e.Name == DefaultEntityName
}

// DisplayName gives Name for people: decoded, or as it is if it cannot be.
func (e Entity) DisplayName() string { return e.Type.displayName(e.Name) }

// DisplayClient gives Client for people.
func (e Entity) DisplayClient() string { return Clients.displayName(e.Client) }

func (t EntityType) displayName(stored string) string {
	if !t.sanitized() || stored == DefaultEntityName {
		return stored
	}
	name, err := Desanitize(stored)
	if err != nil {
		return stored
	}
	return name
}

// Canonical says whether the names are stored as Kafka would store them.
func (e Entity) Canonical() bool {
	return e.Type.canonicalName(e.Name) && (e.Client == "" || Clients.canonicalName(e.Client))
}

func (t EntityType) canonicalName(stored string) bool {
	if !t.sanitized() || stored == DefaultEntityName {
		return true
	}
	name, err := Desanitize(stored)
	return err == nil && Sanitize(name) == stored
}

// Broker gives the id of a broker entity, false for the default and for other
// types.
func (e Entity) Broker() (int32, bool) {
	if e.Type != Brokers {
		return 0, false
	}
	return parseID(e.Name)
}

// validName says whether a node of this name can be the configuration of
// anything.
func (e Entity) validName() bool {
	if e.Type != Brokers || e.Name == DefaultEntityName {
		return true
	}
	_, ok := parseID(e.Name)
	return ok
}
