package web

import (
	"context"
	"fmt"

	"portal"
	"portal/internal/auth"
)

const (
	accessPath = "/administration/access"
	userPath   = accessPath + "/"
)

// onUser makes the page of a deed on a user of the administrator's customer.
func onUser(words func(portal.User) stepUpPage) func(*site, *visit) (stepUpPage, error) {
	return onUserByMail(func(u portal.User, _ bool) stepUpPage { return words(u) })
}

// onUserByMail makes it with words that depend on whether mails go out.
func onUserByMail(words func(u portal.User, mail bool) stepUpPage) func(*site, *visit) (stepUpPage, error) {
	return func(s *site, v *visit) (stepUpPage, error) {
		detail, err := s.admin.User(v.ctx(), v.actor, v.userID())
		if err != nil {
			return stepUpPage{}, err
		}
		p := words(detail.User, s.mail)
		p.Cancel = userPath + string(detail.User.ID)
		return p, nil
	}
}

// toUser goes back to the page of the user, with a notice.
func toUser(notice string) func(*visit) string {
	return func(v *visit) string { return userPath + string(v.userID()) + "?notice=" + notice }
}

// userDeed is a use case on one user under step-up.
type userDeed func(context.Context, portal.Actor, portal.UserID, auth.Proof) (auth.Renewed, error)

// doToUser calls the use case that pick finds.
func doToUser(pick func(*site) userDeed) func(*site, *visit, auth.Proof) (auth.Confirmed, error) {
	return func(s *site, v *visit, p auth.Proof) (auth.Confirmed, error) {
		return only(pick(s)(v.ctx(), v.actor, v.userID(), p))
	}
}

func suspendUser() deed {
	return deed{
		need: auth.NeedFresh, done: toUser("suspended"),
		page: onUser(func(u portal.User) stepUpPage {
			return stepUpPage{
				Heading: "Suspend " + u.Name, Button: "Suspend", Danger: true,
				Text: []string{
					"All sessions of " + u.LoginID + " end at once, and nobody can sign in to this account until you reactivate it.",
					"Nothing is deleted: the password and the 2FA setup stay as they are.",
				},
			}
		}),
		do: doToUser(func(s *site) userDeed { return s.admin.Suspend }),
	}
}

func reactivateUser() deed {
	return deed{
		need: auth.NeedFresh, done: toUser("reactivated"),
		page: onUser(func(u portal.User) stepUpPage {
			return stepUpPage{
				Heading: "Reactivate " + u.Name, Button: "Reactivate",
				Text: []string{u.LoginID + " can sign in again, with the same password and the same 2FA setup as before."},
			}
		}),
		do: doToUser(func(s *site) userDeed { return s.admin.Reactivate }),
	}
}

func thawUser() deed {
	return deed{
		need: auth.NeedFresh, done: toUser("thawed"),
		page: onUserByMail(thawPage), do: doToUser(func(s *site) userDeed { return s.admin.Thaw }),
	}
}

func thawPage(u portal.User, mail bool) stepUpPage {
	link, after := thawedThen(u, mail)
	return stepUpPage{
		Heading: "Open the account of " + u.Name + " again", Button: "Open the account again",
		Warning: "First make sure that it is really " + u.Name + " who asks: call back on a number that you know, or meet. " + link,
		Text: []string{
			"Somebody reported with a link in a mail: this was not me. The account has been frozen since, and its sessions have ended.",
			after,
		},
	}
}

// thawedThen says where the link for a new password goes, and what comes after.
func thawedThen(u portal.User, mail bool) (link, after string) {
	if u.Invited {
		link = "Ask whether " + u.Email + " is still right: the new invitation goes there."
		if !mail {
			link = "Mails are not set up in this portal: you pass the new invitation link on."
		}
		return link, u.LoginID + " has no password yet, and the invitation from before has ended. After this make a new invitation link."
	}
	link = "Ask whether " + u.Email + " is still right: the link for the new password goes there."
	if !mail {
		link = "Mails are not set up in this portal: whoever runs it passes the link for the new password on."
	}
	return link, "The password may be known to somebody else. After this " + u.LoginID + " sets a new one, behind “Forgot your password?” on the sign-in page, and can sign in again. The 2FA setup stays as it is."
}

func endUserSessions() deed {
	return deed{
		need: auth.NeedFresh, done: toUser("sessions-ended"),
		page: onUser(func(u portal.User) stepUpPage {
			return stepUpPage{
				Heading: "End all sessions of " + u.Name, Button: "End all sessions", Danger: true,
				Text: []string{"Every browser in which " + u.LoginID + " is signed in has to sign in again."},
			}
		}),
		do: doToUser(func(s *site) userDeed { return s.admin.EndSessions }),
	}
}

func demandPassword() deed {
	return deed{
		need: auth.NeedFresh, done: toUser("demanded"), page: onUserByMail(demandPage),
		do: func(s *site, v *visit, p auth.Proof) (auth.Confirmed, error) {
			return only(s.admin.DemandPassword(v.ctx(), v.actor, v.userID(), v.form.get(portal.FieldReason), p))
		},
	}
}

func demandPage(u portal.User, mail bool) stepUpPage {
	told := u.Name + " gets a mail and chooses the new password"
	if !mail {
		told = "Mails are not set up in this portal: you ask whoever runs it for the link and pass it on, and " + u.Name + " chooses the new password"
	}
	return stepUpPage{
		Heading: "Demand a new password of " + u.Name, Button: "Demand a new password", Danger: true,
		Reason: true, ReasonHint: "For the audit trail and the mail, such as: typed it into a false sign-in page.",
		Text: []string{
			"Do this where somebody else may know the password. All sessions of " + u.LoginID + " end, and the present password opens nothing more.",
			told + "; you never see it. The 2FA setup stays as it is.",
		},
	}
}

func deleteUserTwoFactor() deed {
	return deed{
		need: auth.NeedProof, done: to(accessPath + "?notice=setup-deleted"),
		page: onUser(func(u portal.User) stepUpPage {
			return stepUpPage{
				Heading: "Delete 2FA setup of " + u.Name, Button: "Delete 2FA setup", Danger: true,
				Reason: true, ReasonHint: "For the audit trail, such as: lost phone, called back on the desk line.",
				Warning: "First make sure that it is really " + u.Name + " who asks: call back on a number that you know, or meet. Whoever has the password can sign in after this.",
				Text: []string{
					fmt.Sprintf("%s then signs in with login ID and password alone, and can set up two-factor authentication anew. Where your 2FA policy requires it, signing in leads there and to nothing else.", u.LoginID),
					"The recovery codes stop working and all sessions end. This cannot be undone.",
				},
			}
		}),
		do: func(s *site, v *visit, p auth.Proof) (auth.Confirmed, error) {
			return only(s.admin.DeleteTwoFactor(v.ctx(), v.actor, v.userID(), v.form.get(portal.FieldReason), p))
		},
	}
}

// inviteDeed is the page that asks before a new invitation link. Its answer is
// the link, so it has a POST of its own.
func inviteDeed() deed {
	return deed{
		need: auth.NeedFresh,
		page: onUser(func(u portal.User) stepUpPage {
			return stepUpPage{
				Heading: "New invitation link for " + u.Name, Button: "Make the link",
				Text: []string{u.LoginID + " gets a new link to choose a password with, and you see it once. An older link stops working."},
			}
		}),
	}
}

func (s *site) askInvite(v *visit) error { return s.ask(v, inviteDeed()) }

func (s *site) invite(v *visit) error {
	invited, err := s.admin.Invite(v.ctx(), v.actor, v.userID(), v.form.proof())
	s.renew(v, invited.Session)
	if err != nil {
		return s.deedFailed(v, inviteDeed(), err)
	}
	return s.showInvited(v, invited)
}

func withdrawInvitation() deed {
	return deed{
		need: auth.NeedFresh, done: toUser("invitation-withdrawn"),
		page: onUser(func(u portal.User) stepUpPage {
			return stepUpPage{
				Heading: "Withdraw the invitation of " + u.Name, Button: "Withdraw the invitation", Danger: true,
				Text: []string{"The link that " + u.LoginID + " got stops working at once. The account stays as it is; you can make a new link at any time."},
			}
		}),
		do: doToUser(func(s *site) userDeed { return s.admin.WithdrawInvitation }),
	}
}
