import { patch, post } from '../api.js'
import { ask, reveal, toast } from './dialog.js'
import { Check, Field } from './form.js'
import { go, html } from './page.js'
import { exactly } from './time.js'
import { called, FLAGS, tag, userAddress } from './user.js'

/** The fields of a tag; what else is given is the discriminator's. */
export const TagFields = ({ username, discriminator, ...rest }) => html`
	<div class=pair>
		<${Field} label=Name name=username maxlength=120 defaultValue=${username} dir=auto />
		<${Field} label=Discriminator name=discriminator inputmode=numeric maxlength=4 defaultValue=${discriminator} ...${rest} />
	</div>`

/** Asks for what a new user needs; the name may be given. */
export function createUser({ username = '', discriminator = '', done }) {
	ask({
		title: 'Create a user or a bot', submit: 'Create',
		body: html`
			<${TagFields} username=${username} discriminator=${discriminator} placeholder=drawn hint="Four digits; empty draws one." />
			<fieldset><legend>Flags</legend>${FLAGS.map(([name, bit, label, text]) => html`<${Check} key=${name} name=${`flag ${bit}`} label=${label} hint=${text} />`)}</fieldset>
			<${Field} label=Password name=password type=password autocomplete=new-password hint="Optional: without one nobody can log in, and a reset link sets it later." />
			<${Check} name=token label="Issue a token" hint="What a bot uses to talk to the API. It is shown once." />`,
		act: async (values) => {
			const { account, token } = await post('/users', {
				username: values.username,
				discriminator: values.discriminator || undefined,
				password: values.password || undefined,
				flags: FLAGS.map(([, bit]) => bit).filter((bit) => values[`flag ${bit}`]),
				token: values.token ? true : undefined,
			})
			const { user } = account
			toast(html`${called(user)} created. <a href=${userAddress(user.id)}>Open</a>`)
			if (token) revealToken(user, token)
			if (done) done(account)
			else go(userAddress(user.id))
		},
	})
}

export function revealToken(user, token) {
	reveal({
		title: html`Token of ${called(user)}`, label: 'Token', text: token,
		note: 'Copy it now: it is shown this once, only its hash is stored. Whoever has it acts as this account, so keep it like a password.',
	})
}

/** Shows the link with which one sets a password. */
export function revealLink(whom, { link, expires_at }) {
	reveal({ title: html`One-time link for ${whom}`, label: 'Link', text: link, note: html`Hand it to ${whom} by a way that you trust: it sets their password. Good for one use, until ${exactly(expires_at)}.` })
}

/** Renames a user, with a way back. */
export async function rename(user, change) {
	const path = `/users/${user.id}`
	const account = await patch(path, change)
	toast(html`${called(user)} is now ${called(account.user)}.`, {
		path, still: (found) => tag(found.user) === tag(account.user),
		act: () => patch(path, { username: user.username, discriminator: user.discriminator }),
	})
}
