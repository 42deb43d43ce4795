package model

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The versions of a broker's registration. Kafka: ZkData.scala, BrokerIdZNode.
const (
	BrokerVersionMin = 1 // 0.8
	BrokerVersionMax = 5 // 2.7 and later
)

// Broker is a registration at /brokers/ids/N.
type Broker struct {
	Version   int32
	Host      string                  // of the first PLAINTEXT endpoint; "" for JSON null, when there is none
	Port      int32                   // of the same endpoint; -1 when there is none
	JMXPort   int32                   // -1 when JMX is off
	Timestamp int64                   // ms since 1970 on the broker's clock; 0 when absent
	Endpoints []Endpoint              // since version 2; see Listeners
	Rack      string                  // since version 3; "" when absent
	Protocols map[string]string       // since version 4: security protocol by listener name; nil when absent
	Features  map[string]FeatureRange // since version 5; nil when absent

	source []byte
}

// Endpoint is one address under which a broker is reached.
type Endpoint struct {
	Listener string
	Host     string // "" when the broker advertises none; IPv6 without brackets
	Port     int32
}

// FeatureRange is the range of versions of a feature that a broker supports.
type FeatureRange struct {
	Min, Max int32
}

// securityProtocols are the names that a listener may stand for, and stands
// for by default if it bears one of them. Kafka: SecurityProtocol.java.
var securityProtocols = []string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}

// ParseBroker reads a registration of version 1 to 5. As in Kafka, an endpoint
// whose listener has no security protocol is an error.
func ParseBroker(path string, data []byte) (*Broker, error) {
	r, o := readObject(path, KindBroker, data)
	b := &Broker{source: data, Version: o.version(BrokerVersionMin, BrokerVersionMax), JMXPort: o.int32("jmx_port")}
	if !o.has("version") {
		r.fail(ProblemMissing, "version", "Kafka reads it to know the form")
	}
	b.readAddress(o)
	if o.has("timestamp") {
		b.Timestamp = o.decimalString("timestamp")
	}
	if b.Version >= 2 {
		b.Endpoints = readElements(o, "endpoints", r.endpoint)
	}
	if b.Version >= 3 && !o.isNull("rack") {
		b.Rack = o.optionalString("rack")
	}
	if b.Version >= 4 && o.has("listener_security_protocol_map") {
		b.Protocols = readMembers(o.object("listener_security_protocol_map"), r.securityProtocol)
	}
	if b.Version >= 5 && o.has("features") {
		b.Features = readMembers(o.object("features"), r.featureRange)
	}
	for _, e := range b.Endpoints {
		if b.Protocol(e.Listener) == "" {
			r.fail(ProblemMissing, "listener_security_protocol_map."+e.Listener, "an endpoint uses this listener")
		}
	}
	return finish(r, b)
}

// readAddress reads host and port, which only version 1 must have.
func (b *Broker) readAddress(o object) {
	b.Port = -1
	if b.Version < 2 || !o.isNull("host") && o.has("host") {
		b.Host = o.string("host")
	}
	if b.Version < 2 || o.has("port") {
		b.Port = o.int32("port")
	}
}

// endpoint reads "LISTENER://host:port". Kafka: EndPoint.scala.
func (r *reader) endpoint(field string, v jsonValue) Endpoint {
	e, err := ParseEndpoint(r.jsonString(field, v))
	if err != nil {
		r.fail(ProblemRange, field, err.Error())
	}
	return e
}

// ParseEndpoint reads an endpoint as "LISTENER://host:port", in which the host
// may be empty and an IPv6 address stands in brackets.
func ParseEndpoint(text string) (Endpoint, error) {
	listener, address, found := strings.Cut(text, "://")
	colon := strings.LastIndexByte(address, ':')
	if !found || colon < 0 {
		return Endpoint{}, fmt.Errorf("endpoint %q is not LISTENER://host:port", shorten(text))
	}
	port, err := strconv.ParseInt(address[colon+1:], 10, 32)
	if err != nil || port < -1 || port > 65535 {
		return Endpoint{}, fmt.Errorf("endpoint %q has no port between -1 and 65535", shorten(text))
	}
	host := strings.TrimSuffix(strings.TrimPrefix(address[:colon], "["), "]")
	return Endpoint{Listener: listener, Host: host, Port: int32(port)}, nil
}

// String gives the endpoint as Kafka writes it.
func (e Endpoint) String() string {
	host := e.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return e.Listener + "://" + host + ":" + strconv.Itoa(int(e.Port))
}

func (r *reader) securityProtocol(field string, v jsonValue) string {
	name := r.jsonString(field, v)
	if r.err == nil && !slices.Contains(securityProtocols, strings.ToUpper(name)) {
		r.fail(ProblemRange, field, fmt.Sprintf("%q is not one of %v", shorten(name), securityProtocols))
	}
	return name
}

func (r *reader) featureRange(field string, v jsonValue) FeatureRange {
	o := r.object(field, v)
	return FeatureRange{Min: o.id("min_version"), Max: o.id("max_version")}
}

// Protocol gives the security protocol of a listener, "" if none is known.
// Without a map the listener's name is the protocol.
func (b *Broker) Protocol(listener string) string {
	if b.Protocols != nil {
		return b.Protocols[listener]
	}
	if slices.Contains(securityProtocols, listener) {
		return listener
	}
	return ""
}

// Listeners gives all endpoints, for version 1 the one made of host and port.
func (b *Broker) Listeners() []Endpoint {
	if b.Version < 2 {
		return []Endpoint{{Listener: "PLAINTEXT", Host: b.Host, Port: b.Port}}
	}
	return b.Endpoints
}

// Kind is KindBroker.
func (b *Broker) Kind() Kind { return KindBroker }

// Encode gives the payload.
func (b *Broker) Encode() ([]byte, error) { return encodeDocument(b.source, b, ParseBroker) }

func (b *Broker) document() jsonValue {
	var members []jsonMember
	if b.Version >= 5 && b.Features != nil {
		members = append(members, jsonMember{"features", featureRangesJSON(b.Features)})
	}
	if b.Version >= 4 && b.Protocols != nil {
		members = append(members, jsonMember{"listener_security_protocol_map", b.protocolsJSON()})
	}
	if b.Version >= 2 {
		members = append(members, jsonMember{"endpoints", arrayJSON(b.Endpoints, func(e Endpoint) jsonValue { return stringJSON(e.String()) })})
	}
	if b.Version >= 3 && b.Rack != "" {
		members = append(members, jsonMember{"rack", stringJSON(b.Rack)})
	}
	host := nullJSON()
	if b.Host != "" {
		host = stringJSON(b.Host)
	}
	members = append(members, jsonMember{"jmx_port", intJSON(b.JMXPort)}, jsonMember{"port", intJSON(b.Port)},
		jsonMember{"host", host}, jsonMember{"version", intJSON(b.Version)})
	if b.Timestamp != 0 {
		members = append(members, jsonMember{"timestamp", decimalStringJSON(b.Timestamp)})
	}
	return objectJSON(members...)
}

// protocolsJSON writes the listener map in the order of the endpoints, from
// which Kafka builds it.
func (b *Broker) protocolsJSON() jsonValue {
	names := make([]string, 0, len(b.Protocols))
	for _, e := range b.Endpoints {
		if _, ok := b.Protocols[e.Listener]; ok && !slices.Contains(names, e.Listener) {
			names = append(names, e.Listener)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.Protocols)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var members []jsonMember
	for _, name := range scalaMapOrder(names) {
		members = append(members, jsonMember{name, stringJSON(b.Protocols[name])})
	}
	return objectJSON(members...)
}

func featureRangesJSON(features map[string]FeatureRange) jsonValue {
	var members []jsonMember
	for _, name := range javaTableOrder(features) {
		members = append(members, jsonMember{name, objectJSON(
			jsonMember{"min_version", intJSON(features[name].Min)}, jsonMember{"max_version", intJSON(features[name].Max)},
		)})
	}
	return objectJSON(members...)
}
