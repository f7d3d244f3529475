import { html } from '../vendor/htm.js'
import { post, put } from '../api.js'
import { ask, toast } from './dialog.js'
import { Field } from './form.js'
import { called, FLAGS, Tag, tag } from './user.js'

export const count = (users) => (users === 1 ? '1 user' : `${users} users`)

const whether = ({ disabled, reason }) => `${disabled} ${reason}`

/** The way back for those `touched`, as long as `what` was changed in them stays so. */
function undo(touched, changed, what, act) {
	const left = new Map(changed.map((account) => [account.user.id, what(account)]))
	return touched.length > 0 && { path: touched.map(({ user }) => `/users/${user.id}`), still: (account) => what(account) === left.get(account.user.id), act }
}

/** What can be done to an account, or to several at once: each asks first, but for `enableNow` and `setFlag`. `now(accounts)` hears what they are then. */
export function deeds(accounts, now = () => {}) {
	const several = accounts.length > 1
	const some = several ? count(accounts.length) : called(accounts[0].user)
	const names = several && html`<ul class=names>${accounts.slice(0, 5).map(({ user }) => html`<li key=${user.id}><${Tag} user=${user} /></li>`)}${accounts.length > 5 && html`<li>and ${accounts.length - 5} more</li>`}</ul>`

	async function bulk(accounts, action, more) {
		const changed = await post('/users/bulk', { ids: accounts.map(({ user }) => user.id), action, ...more })
		now(changed)
		return changed
	}
	// Each with the reason it had.
	const disableAgain = async (accounts) => now(await Promise.all(accounts.map(({ user, reason }) => put(`/users/${user.id}/disabled`, { reason }))))

	const enableNow = async () => {
		const touched = accounts.filter(({ disabled }) => disabled)
		const changed = await bulk(accounts, 'enable')
		toast(html`${some} enabled.`, undo(touched, changed, whether, () => disableAgain(touched)))
	}
	const setFlag = async (flag, on) => {
		const [, bit, label] = FLAGS.find(([name]) => name === flag)
		const touched = accounts.filter(({ user }) => user.flags.includes(bit) !== on)
		const set = (accounts, on) => bulk(accounts, on ? 'set_flag' : 'clear_flag', { flag })
		const changed = await set(accounts, on)
		toast(html`${label} ${on ? 'set on' : 'cleared of'} ${some}.`, undo(touched, changed, ({ user }) => user.flags.includes(bit), () => set(touched, !on)))
	}
	return {
		enableNow, setFlag,
		enable: () => ask({ title: html`Enable ${some}`, submit: 'Enable', body: html`${names}<p>They can log in and use their tokens again.</p>`, act: enableNow }),
		flag: (on) => ask({
			title: html`${on ? 'Set a flag on' : 'Clear a flag of'} ${some}`, submit: on ? 'Set the flag' : 'Clear the flag',
			body: html`${names}<fieldset><legend>Flag</legend>${FLAGS.map(([name, , label, text], index) => html`<label key=${name} class=radio><input type=radio name=flag value=${name} defaultChecked=${index === 0} /><span>${label}<small class=hint>${text}</small></span></label>`)}</fieldset>`,
			act: ({ flag }) => setFlag(flag, on),
		}),
		disable: () => ask({
			title: html`Disable ${some}`, submit: 'Disable', danger: true,
			body: html`${names}<p>All tokens stop working at once, and nobody can log in until it is taken back. Nothing is deleted.</p><${Field} label=Reason name=reason maxlength=200 hint="Optional, 200 characters; who is disabled is shown it." />`,
			act: async ({ reason }) => {
				const touched = accounts.filter(({ disabled }) => !disabled)
				const changed = await bulk(accounts, 'disable', { reason: reason || undefined })
				toast(html`${some} disabled.`, undo(touched, changed, whether, () => bulk(touched, 'enable')))
			},
		}),
		erase: () => ask({
			title: html`Delete ${some}`, submit: 'Delete for good', danger: true, typed: several ? some : tag(accounts[0].user),
			body: html`${names}<p>What is left is a tombstone, “Deleted User”: the tag is free again, password and tokens are gone, and so is the place in communities and groups. A community that loses its owner goes to the longest-standing member; one with no other member is deleted. DMs stay for the other side. This can’t be undone.</p>`,
			act: async () => {
				await bulk(accounts, 'delete')
				toast(html`${some} deleted.`)
			},
		}),
	}
}
