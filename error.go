package portal

import (
	"errors"
	"fmt"
	"time"
)

// Code says what kind of answer an error is. The edges translate it: the web
// into a status, the command line into an exit code.
type Code string

// The kinds of error. Anything that is not an *Error is CodeInternal.
const (
	CodeMalformed   Code = "malformed"   // the input cannot be read at all
	CodeInvalid     Code = "invalid"     // a field breaks a rule
	CodeSignIn      Code = "sign-in"     // nobody is signed in
	CodeOwed        Code = "owed"        // signed in, but something has to be done first
	CodeNotFound    Code = "not-found"   // missing, foreign or forbidden: all the same
	CodeConflict    Code = "conflict"    // the state has moved on
	CodeProof       Code = "proof"       // a step-up is wanted or was wrong
	CodeThrottled   Code = "throttled"   // too many tries; wait
	CodeUnavailable Code = "unavailable" // overload or outage; try again
	CodeInternal    Code = "internal"    // our fault; the log knows
)

// Error is the one error type that people may see. Message says what went
// wrong and what to do, and tells a stranger nothing; Cause is for the log.
type Error struct {
	Code    Code
	Field   Field // the form field it belongs to, if any
	Message string
	// RetryAfter is how long to wait before trying again, where that helps.
	RetryAfter time.Duration
	Cause      error
}

// Field names a field of a form, the same on every surface.
type Field string

// The fields that a rule can be about.
const (
	FieldLoginID      Field = "login_id"
	FieldName         Field = "name"
	FieldEmail        Field = "email"
	FieldRole         Field = "role"
	FieldCustomer     Field = "customer"
	FieldPassword     Field = "password"
	FieldCurrent      Field = "current_password"
	FieldNewPassword  Field = "new_password"
	FieldCode         Field = "code"
	FieldRecoveryCode Field = "recovery_code"
	FieldReason       Field = "reason"
	FieldVersion      Field = "version"

	FieldUserPolicy          Field = "user_policy"
	FieldUserFrom            Field = "user_from"
	FieldAdministratorPolicy Field = "administrator_policy"
	FieldAdministratorFrom   Field = "administrator_from"
)

// Error tells the message, and the cause for the log.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes errors.Is compare by code, so that a caller need not know the words.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Message == ""
}

// ErrorCode returns the code of err, CodeInternal where it has none.
func ErrorCode(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// NotFound answers for what is missing, foreign or forbidden, alike (AZ-06).
func NotFound() error {
	return &Error{Code: CodeNotFound, Message: "There is no such page, or it is not yours to see."}
}

// SignInFirst answers where a session is needed and none is there.
func SignInFirst() error {
	return &Error{Code: CodeSignIn, Message: "Please sign in."}
}

// Invalid says which rule a field breaks.
func Invalid(f Field, format string, args ...any) error {
	return &Error{Code: CodeInvalid, Field: f, Message: fmt.Sprintf(format, args...)}
}

// Malformed says that the input as a whole cannot be read.
func Malformed(format string, args ...any) error {
	return &Error{Code: CodeMalformed, Message: fmt.Sprintf(format, args...)}
}

// Conflict says that the state has moved on since the page was shown.
func Conflict(format string, args ...any) error {
	return &Error{Code: CodeConflict, Message: fmt.Sprintf(format, args...)}
}

// Unavailable says that the portal cannot answer now and nothing has changed.
func Unavailable(cause error) error {
	return &Error{
		Code: CodeUnavailable, RetryAfter: 5 * time.Second, Cause: cause,
		Message: "The portal is busy or cannot reach its database. Nothing was changed. Please try again in a few seconds.",
	}
}

// Closed says that nobody is served now, until the operators have done what the
// cause names.
func Closed(cause error) error {
	return &Error{
		Code: CodeUnavailable, RetryAfter: time.Minute, Cause: cause,
		Message: "The portal is closed while its operators work on it. Nothing was changed. Please try again later.",
	}
}

// Unsure says that the portal lost its database while it was saving: the
// change may have been made or not, and whoever tries again has to look first.
func Unsure(cause error) error {
	return &Error{
		Code: CodeUnavailable, RetryAfter: 5 * time.Second, Cause: cause,
		Message: "The portal lost its database while it was saving. Your change may have been made or not: please look before you try again.",
	}
}
