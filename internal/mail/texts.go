package mail

import (
	"fmt"

	"portal"
)

// tell returns the text of a letter's kind.
func tell(l portal.Letter) story {
	if text, ok := texts[l.Kind]; ok {
		return text(l)
	}
	return story{subject: "News of your account", said: []string{"Something happened to your account: " + line(string(l.Kind)) + "."}, detail: "Detail"}
}

// texts has the text of every kind.
var texts = map[portal.MailKind]func(portal.Letter) story{
	portal.MailInvitation:      invitation,
	portal.MailReset:           reset,
	portal.MailResetDemanded:   resetDemanded,
	portal.MailPasswordChanged: passwordChanged,
	portal.MailConfirmAddress:  confirmAddress,
	portal.MailAddressAsked:    addressAsked,
	portal.MailAddressChanged:  addressChanged,
	portal.MailFactorEnabled:   factorEnabled,
	portal.MailFactorDisabled:  factorDisabled,
	portal.MailFactorDeleted:   factorDeleted,
	portal.MailFactorReplaced:  factorReplaced,
	portal.MailFactorExpires:   factorExpires,
	portal.MailFactorExpired:   factorExpired,
	portal.MailRecoveryIssued:  recoveryIssued,
	portal.MailRecoveryUsed:    recoveryUsed,
	portal.MailDeletedByAdmin:  deletedByAdmin,
	portal.MailAdminDeleted:    adminDeleted,
	portal.MailNewBrowser:      newBrowser,
	portal.MailWrongCodes:      wrongCodes,
	portal.MailManyFailures:    manyFailures,
	portal.MailCodesBlocked:    codesBlocked,
	portal.MailFrozen:          frozen,
	portal.MailFrozenAdmin:     frozenAdmin,
	portal.MailThawed:          thawed,
	portal.MailAccountChanged:  accountChanged,
	portal.MailHelpAsked:       helpAsked,
	portal.MailHelpAskedForYou: helpAskedForYou,
	portal.MailPolicyReminder:  policyReminder,
	portal.MailPolicyChanged:   policyChanged,
	portal.MailRecoveryVoided:  recoveryVoided,
	portal.MailRestored:        restored,
}

// Letters with a link, and those about passwords and addresses.

func invitation(l portal.Letter) story {
	return story{
		subject: "Your account at " + short(home(l)),
		said: []string{
			fmt.Sprintf("An account was made for you at %s. Your login ID is %s.", home(l), l.LoginID),
			"Open the link and choose a password; then sign in with both.",
		},
		button: "Choose your password",
		advice: []string{"You did not expect this? Then do nothing. Nobody can use the account without the link."},
	}
}

func reset(portal.Letter) story {
	return story{
		subject: "Set a new password",
		said: []string{
			"Somebody asked to set a new password for your account.",
			"If that was you, open the link. If your account has two-factor authentication, the page asks for a code too.",
		},
		button: "Set a new password",
		advice: []string{"It was not you? Then do nothing: your password stays as it is."},
	}
}

func resetDemanded(l portal.Letter) story {
	st := story{
		subject: "Please choose a new password",
		said: []string{
			"Your account needs a new password, because the present one may be known to somebody else.",
			"Until you have chosen it, nothing else of your account is open. Two-factor authentication stays as it is.",
		},
		detail: "Reason", button: "Choose a new password",
		advice: []string{"Choose one that you use nowhere else. If you need help, ask your administrator."},
	}
	if l.Token == "" {
		st.advice = append([]string{"Open the portal and choose “Forgot your password?” on its sign-in page."}, st.advice...)
	}
	return st
}

func passwordChanged(portal.Letter) story {
	return story{
		subject: "Your password was changed",
		said:    []string{"The password of your account was changed. Other sessions have ended."},
		advice:  []string{"Was it you? Then there is nothing to do."},
	}
}

func confirmAddress(l portal.Letter) story {
	return story{
		subject: "Confirm this e-mail address",
		said: []string{
			fmt.Sprintf("Mail of the account %s shall go to this address, %s.", l.LoginID, l.To),
			"It does so once you have confirmed the address with the link.",
		},
		button: "Confirm this address",
		advice: []string{"You know nothing of this? Then do nothing: the address is not used."},
	}
}

func addressAsked(portal.Letter) story {
	return story{
		subject: "A new e-mail address was asked for",
		said:    []string{"Somebody who is signed in asked for another e-mail address of your account. It counts once it is confirmed; until then nothing changes."},
		detail:  "New address",
		advice:  []string{"Was it you? Then open the link in the mail to the new address."},
	}
}

func addressChanged(portal.Letter) story {
	return story{
		subject: "Your e-mail address was changed",
		said:    []string{"The e-mail addresses of your account were changed."},
		detail:  "Change",
		advice:  []string{"Was it you? Then there is nothing to do."},
	}
}
