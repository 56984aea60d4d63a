package portal

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// The state table of the design: what each place looks like and asks for.
func TestStatusOf(t *testing.T) {
	for _, c := range []struct {
		stored         TwoFactorState
		pending        bool
		want           TwoFactorStatus
		account, admin string
		asks, setup    bool
	}{
		{TwoFactorNone, false, TwoFactorStatus{State: TwoFactorNone}, "Disabled", "2FA not Enabled", false, false},
		{TwoFactorNone, true, TwoFactorStatus{State: TwoFactorPending}, "Disabled", "2FA not Enabled", false, false},
		{TwoFactorEnabled, false, TwoFactorStatus{State: TwoFactorEnabled}, "Enabled", "2FA Enabled", true, true},
		{TwoFactorEnabled, true, TwoFactorStatus{State: TwoFactorEnabled, Replacing: true}, "Enabled", "2FA Enabled", true, true},
		{TwoFactorDisabled, false, TwoFactorStatus{State: TwoFactorDisabled}, "Disabled", "2FA Disabled", false, true},
		{TwoFactorDisabled, true, TwoFactorStatus{State: TwoFactorDisabled}, "Disabled", "2FA Disabled", false, true},
		{"", false, TwoFactorStatus{State: TwoFactorEnabled}, "Enabled", "2FA Enabled", true, true},
		{"broken", false, TwoFactorStatus{State: TwoFactorEnabled}, "Enabled", "2FA Enabled", true, true},
	} {
		got := StatusOf(c.stored, c.pending)
		if got != c.want || got.AccountLabel() != c.account || got.AdminLabel() != c.admin || got.AsksCode() != c.asks || got.HasSetup() != c.setup {
			t.Errorf("%q, pending %v: %+v %q %q asks %v, setup %v", c.stored, c.pending, got, got.AccountLabel(), got.AdminLabel(), got.AsksCode(), got.HasSetup())
		}
	}
}

// The whole permission table, written a second time: a right that changes
// hands has to change here as well (AZ-01).
func TestPermissions(t *testing.T) {
	actors := map[string]Actor{
		"stranger": Stranger(Origin{}), "nobody": {}, "unknown role": {Kind: ActorUser, Role: "root"},
		"user": {Kind: ActorUser, Role: RoleUser}, "administrator": {Kind: ActorUser, Role: RoleAdministrator},
		"operator": {Kind: ActorUser, Role: RoleOperator}, "host": Host("root", "h"),
		"forged host": {Kind: ActorUser, Role: "host"}, "stranger with a role": {Kind: ActorStranger, Role: RoleAdministrator},
	}
	over, own, host := []string{"administrator", "host"}, []string{"user", "administrator", "operator"}, []string{"host"}
	table := map[Right][]string{
		SignOut: own, Enrol: own, RenewPassword: own, UseAccount: own, SeeUsers: over, AddUsers: over, EditUsers: over, SuspendUsers: over,
		EndUserSessions: over, DeleteUser2FA: over, ReadAudit: over,
		DemandPassword: over, SetPolicy: over, HelpUsers: {"administrator"}, AddCustomers: host, AddOperators: host, SetAddresses: host,
		CloseCustomers: host, ReadMail: host, RotateKeys: host, KeepAudit: host, MoveData: host, "unknown": nil,
	}
	for right, holders := range table {
		for name, actor := range actors {
			want := slices.Contains(holders, name)
			if got := actor.Holds(right); got != want {
				t.Errorf("%s holds %q: %v, want %v", name, right, got, want)
			}
			code := map[bool]Code{true: CodeSignIn, false: CodeNotFound}[actor.Kind == ActorStranger]
			if err := actor.Can(right); (err == nil) != want || (!want && ErrorCode(err) != code) {
				t.Errorf("%s may %q: %v", name, right, err)
			}
		}
	}
}

// Who owes something holds nothing but what pays the debt and the way out, and
// is told so where the right would be there otherwise.
func TestDebts(t *testing.T) {
	for debt, left := range map[Debt][]Right{OwesPassword: {SignOut, RenewPassword}, OwesSetup: {SignOut, Enrol}, "broken": nil} {
		actor := Actor{Kind: ActorUser, Role: RoleAdministrator, Owes: debt}
		for _, right := range append(permissions["administrator"], AddCustomers) {
			want := map[bool]Code{true: CodeOwed, false: CodeNotFound}[right != AddCustomers]
			may := slices.Contains(left, right)
			if err := actor.Can(right); (err == nil) != may || (!may && ErrorCode(err) != want) {
				t.Errorf("who owes %q may %q: %v", debt, right, err)
			}
		}
	}
}

// A debt follows from the password, the policy, the role and the stored state,
// at the very moment.
func TestDebtOf(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	required := Policy{PolicyRequired, now}
	for _, c := range []struct {
		user   User
		policy Policy
		want   Debt
	}{
		{User{Stored: TwoFactorNone}, Policy{PolicyOff, time.Time{}}, OwesNothing},
		{User{Stored: TwoFactorDisabled}, Policy{PolicyRecommended, time.Time{}}, OwesNothing},
		{User{Stored: TwoFactorNone}, Policy{PolicyRequired, now.Add(1)}, OwesNothing},
		{User{Stored: TwoFactorNone}, required, OwesSetup},
		{User{Stored: TwoFactorDisabled}, required, OwesSetup},
		{User{Stored: TwoFactorEnabled}, required, OwesNothing},
		{User{Stored: TwoFactorNone}, Policy{"broken", time.Time{}}, OwesSetup},
		{User{MustReset: true, Stored: TwoFactorNone}, required, OwesPassword},
		{User{ShortPassword: true, Stored: TwoFactorNone}, Policy{PolicyRecommended, time.Time{}}, OwesPassword},
		{User{ShortPassword: true, Stored: TwoFactorDisabled}, Policy{PolicyRequired, now.Add(1)}, OwesPassword},
		{User{ShortPassword: true, Stored: TwoFactorNone}, required, OwesSetup},
		{User{ShortPassword: true, Stored: TwoFactorEnabled}, Policy{PolicyOff, time.Time{}}, OwesNothing},
		{User{MustReset: true, Stored: TwoFactorEnabled}, Policy{PolicyOff, time.Time{}}, OwesPassword},
	} {
		if got := DebtOf(c.user, c.policy, now); got != c.want {
			t.Errorf("%+v: owes %q", c, got)
		}
	}
	both := Policies{User: Policy{Mode: PolicyOff}, Administrator: required}
	if both.Of(RoleUser) != both.User || both.Of(RoleAdministrator) != required || both.Of(RoleOperator) != required {
		t.Error("a role is under another's policy")
	}
}

// Every action stands in the filter of the trail exactly once.
func TestActionsAreListedOnce(t *testing.T) {
	seen := make(map[Action]bool)
	for _, a := range Actions() {
		if seen[a] || a == "" {
			t.Errorf("%q twice, or empty", a)
		}
		seen[a] = true
	}
	if len(seen) != 53 {
		t.Errorf("%d actions; one that is new belongs into Actions, and then here", len(seen))
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("cause")
	wrapped := fmt.Errorf("while: %w", Unavailable(cause))
	if ErrorCode(wrapped) != CodeUnavailable || !errors.Is(wrapped, cause) || !errors.Is(wrapped, &Error{Code: CodeUnavailable}) {
		t.Errorf("%v has lost its code or cause", wrapped)
	}
	if ErrorCode(cause) != CodeInternal || ErrorCode(nil) != CodeInternal {
		t.Error("an unknown error is not internal")
	}
	if errors.Is(NotFound(), &Error{Code: CodeInvalid}) || !errors.Is(NotFound(), &Error{Code: CodeNotFound}) {
		t.Error("not-found is not told by its code")
	}
}

func TestEventsNameActorAndTarget(t *testing.T) {
	actor := Actor{Kind: ActorUser, UserID: "a", LoginID: "ada", Origin: Origin{Address: "x", RequestID: "r"}}
	e := actor.WasRefused(SetupDeleted, "why").On(User{ID: "b", LoginID: "bob"})
	want := Event{Action: SetupDeleted, Outcome: Refused, ActorKind: ActorUser, ActorID: "a", ActorLabel: "ada",
		TargetID: "b", TargetLabel: "bob", Detail: "why", Origin: actor.Origin}
	if e != want {
		t.Errorf("%+v, want %+v", e, want)
	}
	if d := actor.Did(SignedIn).With("code"); d.Outcome != Done || d.Detail != "code" {
		t.Errorf("%+v", d)
	}
}

func TestUserLabels(t *testing.T) {
	for want, u := range map[string]User{
		"Active": {State: UserActive}, "Invited": {State: UserActive, Invited: true}, "Suspended": {State: UserSuspended, Invited: true, Frozen: true}, "Frozen": {State: UserActive, Frozen: true},
	} {
		if got := u.StateLabel(); got != want {
			t.Errorf("%+v: %q, want %q", u, got, want)
		}
	}
}

// The limits are those of the security requirements; weaker ones are a
// decision, not a slip.
func TestDefaultLimits(t *testing.T) {
	want := Limits{
		5 * time.Minute, 5, 15 * time.Minute, 5 * time.Minute, 30 * time.Minute, 12 * time.Hour, 20, 72 * time.Hour, 24 * time.Hour, 10, 30, 5,
		5, 5, 200, 100, 3, 30 * time.Minute, 24 * time.Hour, 7 * 24 * time.Hour, 90 * 24 * time.Hour, 180 * 24 * time.Hour, 400 * 24 * time.Hour,
	}
	if got := DefaultLimits(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
