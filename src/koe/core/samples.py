"""Something to say, to hear what a voice is like: two sentences of about six seconds in each language."""

from koe.core.languages import base

_SAMPLES = {
    "zh": "今天的天气真好，我们把窗户打开吧。晚饭做好了以后，我会告诉你的。",
    "en": "The kettle is on, and the rain has stopped at last. Shall we open the window and let the evening in?",
    "ja": "今日はとてもいい天気ですね、窓を開けましょうか。夕食ができたら、すぐにお知らせします。",
    "ko": "오늘은 날씨가 정말 좋네요, 창문을 열까요? 저녁 준비가 되면 바로 알려 드릴게요.",
    "de": "Der Tee ist fertig, und es regnet endlich nicht mehr. Wollen wir das Fenster öffnen und lüften?",
    "fr": "Le thé est prêt et la pluie a enfin cessé. Voulez-vous ouvrir la fenêtre pour laisser entrer le soir ?",
    "ru": "Чай готов, и дождь наконец закончился. Давайте откроем окно и впустим в дом вечер.",
    "pt": "O chá está pronto e a chuva finalmente parou. Vamos abrir a janela e deixar entrar a noite?",
    "es": "El té está listo y por fin ha dejado de llover. ¿Abrimos la ventana y dejamos entrar la tarde?",
    "it": "Il tè è pronto e finalmente ha smesso di piovere. Apriamo la finestra e lasciamo entrare la sera?",
}


def sample(language: str) -> str:
    """In a tag's language, else in English."""
    return _SAMPLES.get(base(language), _SAMPLES["en"])
