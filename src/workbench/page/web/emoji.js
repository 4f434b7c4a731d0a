// Emoji by Slack's names: the few that work with tasks needs. Any other name stays as it was typed.

const NAMES = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", no_entry: "⛔", no_entry_sign: "🚫",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", gear: "⚙️", question: "❓", grey_question: "❔", exclamation: "❗",
  large_green_circle: "🟢", large_yellow_circle: "🟡", large_blue_circle: "🔵", red_circle: "🔴", white_circle: "⚪",
  double_vertical_bar: "⏸️", arrow_forward: "▶️", black_square_for_stop: "⏹️", repeat: "🔁", arrows_counterclockwise: "🔄",
  eyes: "👀", tada: "🎉", rocket: "🚀", memo: "📝", bulb: "💡", speech_balloon: "💬", mag: "🔍", lock: "🔒", key: "🔑",
  robot_face: "🤖", wave: "👋", thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎", bell: "🔔", link: "🔗",
  clock1: "🕐", stopwatch: "⏱️", zzz: "💤", construction: "🚧", hammer_and_wrench: "🛠️", package: "📦", bug: "🐛",
  fire: "🔥", heart: "❤️", smile: "😄", thinking_face: "🤔", raised_hands: "🙌", pray: "🙏", moneybag: "💰",
};

export function emoji(text) {
  return text.replace(/:([a-z0-9_+-]{1,40}):/g, (all, name) => (Object.hasOwn(NAMES, name) ? NAMES[name] : all));
}
