package client

import (
	"errors"

	"kafkacoord/coord/wire"
)

// Errors of requests that got no reply. The first two are ZooKeeper's own codes
// for it, so that one errors.Is finds them whoever noticed first.
var (
	// ErrConnectionLoss: the connection broke after the request was sent. It
	// may or may not have been carried out.
	ErrConnectionLoss error = wire.ConnectionLoss
	// ErrSessionExpired: the session is over and its ephemeral znodes are gone.
	// The client is of no more use; Dial a new one.
	ErrSessionExpired error = wire.SessionExpired
	// ErrClosed: the client has been closed.
	ErrClosed = errors.New("client: closed")
	// ErrQueueFull: too many requests wait; see Config.OutstandingMax.
	ErrQueueFull = errors.New("client: too many requests outstanding")
	// ErrOperation: the operation is not one to send through Do or Go.
	ErrOperation = errors.New("client: not an operation for Do")
	// ErrProtocol: the server sent something that no ZooKeeper sends.
	ErrProtocol = errors.New("client: the server broke the protocol")
)

// errRefused is what a refused session becomes before it is ErrSessionExpired.
var errRefused = errors.New("the server refused the session")

// RequestError says which request failed. It unwraps to a wire.Code when a
// server has refused it, or to one of this package's errors.
type RequestError struct {
	Op   wire.Op
	Path string
	Err  error
}

// Error names operation, path and reason.
func (e *RequestError) Error() string {
	if e.Path == "" {
		return "client: " + e.Op.String() + ": " + e.Err.Error()
	}
	return "client: " + e.Op.String() + " " + e.Path + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *RequestError) Unwrap() error { return e.Err }
