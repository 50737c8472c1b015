"""The phrases of `boilerplate`, by family and language, as patterns of a `PatternSet`.

Case is ignored by the reader. `_A` is any apostrophe; spaces are single. Our own wording: each
pattern is a small grammar of how the phrase varies, not a list of sentences seen.
"""

from __future__ import annotations

# stands where a word may not go on to a person or a thing: "an AI", not "an AI researcher"
ALONE = "<alone>"
_A = "(?:'|’)"
_AM = f"(?: am|{_A}m)"
_NOT_ABLE = (
    f"(?:cannot|can not|can{_A}t|could not|couldn{_A}t|will not|won{_A}t|must decline"
    f"|am unable|am not able|{_A}m unable|{_A}m not able|do not feel comfortable|don{_A}t feel comfortable)"
)
_HELP = (
    "(?:help|assist|comply|fulfil|provide|create|generate|write|answer|discuss|share|support"
    "|engage|participate|give|offer|do that|do this|continue|process|complete|produce|respond)"
)
_MODEL = (
    f"(?:(?:ai|a\\.i\\.|llm|artificial intelligence){ALONE}|(?:large |machine |ai |ai-based |text-based )?language model"
    "|ai (?:language )?(?:model|assistant|chatbot|system)|chatbot|virtual assistant|digital assistant"
    "|computer program|machine learning model)"
)
_VENDOR = (
    "(?:openai|anthropic|google|deepmind|meta ai|meta|microsoft|mistral ai|mistral|alibaba cloud|alibaba|cohere"
    "|deepseek|xai|baidu|tencent|zhipu ai|zhipu|moonshot ai|moonshot|bytedance|stability ai|databricks|lmsys"
    "|large model systems organization)"
)
_PRODUCT = (
    "(?:chatgpt|chat gpt|gpt-?[345][a-z0-9.-]{0,8}|claude|gemini|bard|llama(?:[ -]?[234])?|copilot|mistral"
    "|qwen|tongyi qianwen|deepseek|grok|vicuna|alpaca|kimi|ernie bot|doubao|chatglm|koala|bing chat)"
)

SELF_REFERENCE = (
    # English
    f"(?:as|being|since i{_AM}|because i{_AM}) (?:just |only |merely )?(?:an?|your) "
    f"(?:[a-z-]{{2,14}} )?{_MODEL}",
    f"i{_AM} (?:just |only |merely |simply )?(?:an?|your) (?:[a-z-]{{2,14}} )?{_MODEL}",
    f"i (?:do not|don{_A}t) have (?:any )?(?:personal|human) "
    "(?:opinion|feeling|experience|preference|belief|emotion|bod)(?:s|y|ies)?",
    "(?:my|the) (?:knowledge cut-?off|training data (?:only )?(?:goes|extends|ends|includes))",
    "as of my (?:last|latest) (?:knowledge |training )?(?:update|training|cut-?off)",
    # Chinese
    "作为(?:一个|一名|一款|一位)?(?:大型)?(?:人工智能|AI ?|ai|语言模型|大语言模型|虚拟助手|智能助手|聊天机器人)",
    "我(?:只是|仅仅是|是)(?:一个|一款|一名|个)(?:大型)?(?:人工智能|AI|语言模型|大语言模型|聊天机器人|虚拟助手)",
    "我没有(?:个人|自己的|真实的)(?:情感|感情|观点|意见|身体|经历|偏好)",
    # German
    "als (?:eine? |ein |einem )?(?:gro(?:ß|ss)es )?(?:ki|ki-[a-zäöü]{3,15}|künstliche[rs]? intelligenz|sprachmodell"
    "|ki-gestützte[rs]? [a-zäöü]{3,15}|virtuelle[rs]? assistent)",
    "ich bin (?:nur |lediglich |bloß )?(?:eine? |ein )(?:gro(?:ß|ss)es )?(?:ki|ki-[a-z]{3,15}|künstliche intelligenz|sprachmodell)",
    # French
    f"en tant qu(?:{_A}|e )(?:une? )?(?:ia|intelligence artificielle|(?:grand )?mod(?:è|e)le (?:de langage|linguistique)"
    "|assistante? (?:ia|virtuel(?:le)?|num(?:é|e)rique))",
    f"je (?:ne )?suis (?:qu{_A})?une? (?:simple )?(?:ia|intelligence artificielle|mod(?:è|e)le de langage)",
    # Spanish
    "como (?:una? )?(?:ia|inteligencia artificial|modelo de lenguaje|asistente (?:de ia|virtual|de inteligencia))",
    "(?:solo |sólo )?soy (?:solo |sólo )?una? (?:ia|inteligencia artificial|modelo de lenguaje)",
    # Portuguese
    "como (?:uma? )?(?:ia|inteligência artificial|modelo de linguagem|assistente (?:de ia|virtual))",
    "(?:eu )?sou (?:apenas )?uma? (?:ia|inteligência artificial|modelo de linguagem)",
    # Japanese
    "(?:私は)?(?:AI|ＡＩ|人工知能|言語モデル|大規模言語モデル)(?:アシスタント|モデル|言語モデル)?"
    "(?:として|なので|ですので|であるため)",
    # Russian
    "как (?:большая )?(?:языковая модель|искусственный интеллект|ии|ии-[а-я]{3,15}|виртуальный (?:ассистент|помощник))",
    "я (?:всего лишь |просто )?(?:языковая модель|искусственный интеллект|ии-ассистент|ии-модель)",
)

STOCK_OFFER = (
    "how (?:can|may) i (?:best )?(?:assist|help) you (?:today|further|this (?:morning|afternoon|evening))",
    "is there anything else (?:that )?i can (?:assist|help) you with",
    "(?:今天)?(?:有什么|请问有什么|需要什么)(?:我)?(?:可以|能)(?:帮|为)(?:助)?(?:您|你)(?:的吗|服务|做)",
    "还有什么(?:其他)?(?:问题|需要)?(?:我)?(?:可以|能)(?:帮助|帮)(?:您|你)",
    "wie kann ich (?:ihnen|dir) heute (?:helfen|behilflich sein)",
    f"comment puis-je (?:vous|t{_A}) ?aider aujourd{_A}hui",
    "(?:en qué|cómo) puedo ayudar(?:te|le|lo|la) hoy",
    "como posso (?:ajudar você|ajudá-l[oa]|te ajudar) hoje",
    "(?:本日は)?(?:どのような|何か)(?:ご用件|お手伝い)(?:でしょうか|できることはありますか|ができますか)",
    "чем (?:я )?могу (?:вам |тебе )?помочь сегодня",
)

REFUSAL = (
    # English
    f"(?:sorry|apologi[sz]e|apologies|regret),? ?(?:but |that |however,? )?(?:as an? [a-z -]{{2,30}},? )?i ?{_NOT_ABLE}",
    f"i{_AM} (?:very |truly |so |really )?(?:sorry|afraid),? (?:but )?(?:that )?i ?{_NOT_ABLE}",
    f"i ?{_NOT_ABLE} (?:to )?{_HELP} (?:with |you |in |to |any |that|this|such|content|information about|instructions)",
    f"i{_AM} not (?:comfortable|allowed|permitted|programmed|designed|going) to {_HELP}",
    "(?:is|goes|would be) (?:against|beyond) my (?:programming|guidelines|policies|principles|capabilities)",
    "(?:against|violates?) (?:openai|content|usage|ethical|safety|my) (?:polic|guideline)(?:y|ies|s)",
    "i (?:have to|must|need to) (?:decline|refuse)",
    # Chinese
    "(?:抱歉|对不起|很遗憾|不好意思)[，,！!。 ]{0,4}(?:但|但是)?我?(?:目前|暂时)?(?:无法|不能|没办法|没有办法|没有能力|不可以)",
    "我(?:目前|暂时|也|确实)?(?:无法|不能|没办法|不可以)(?:为您|为你|给您|给你|帮您|帮你)?"
    "(?:提供|回答|协助|帮助|完成|满足|生成|参与|讨论|执行|处理)",
    "(?:这|该)(?:个)?(?:请求|内容|问题)?(?:违反|不符合)(?:了)?(?:我的|相关)?(?:准则|政策|规定|法律|原则)",
    # German
    "(?:tut mir (?:sehr )?leid|entschuldigung|leider)[,.:]? (?:aber )?(?:ich )?(?:kann|darf)(?: ich)?(?: [a-zäöü]{2,10}){0,3} (?:nicht|keine)",
    "ich (?:kann|darf) (?:ihnen|dir) (?:dabei|damit|hierbei) (?:leider )?nicht",
    # French
    "(?:désolée?|navrée?|regrette),? (?:mais )?je ne (?:peux|suis|saurais|pourrai) ?(?:pas|malheureusement)",
    "je ne (?:peux|suis) pas (?:en mesure de |capable de |autorisé à )?(?:vous aider|vous fournir|répondre|fournir|aider)",
    # Spanish
    "(?:lo siento|disculpa|disculpe|lamento),? (?:mucho,? )?(?:pero )?(?:yo )?no (?:puedo|podría|estoy)",
    "no puedo (?:ayudarte|ayudarle|proporcionar|ofrecer|cumplir|responder a es)",
    # Portuguese
    "(?:desculpe|sinto muito|lamento|desculpa),? (?:mas )?(?:eu )?(?:não|infelizmente não) (?:posso|consigo|estou)",
    "não posso (?:ajudar|fornecer|atender|responder a (?:ess|est))",
    # Japanese
    "(?:申し訳(?:ありません|ございません|ない)|すみません|ごめんなさい)(?:が|けど)?[、,。]?[^。\n]{0,60}"
    "(?:できません|できかねます|お答えできない|お手伝いできない)",
    "(?:お答え|お手伝い|提供|対応)(?:することは|は)?(?:できません|できかねます|いたしかねます)",
    # Russian
    "(?:извините|простите|к сожалению|мне жаль|прошу прощения),? (?:но )?(?:я )?не (?:могу|имею|в состоянии)",
    "я не могу (?:помочь|предоставить|ответить|выполнить|обсуждать|вам помочь)",
)

PROVIDER_IDENTITY = (
    # English
    f"(?:i{_AM}|my name is|this is|you can call me|call me) (?:an? )?(?:[a-z-]{{2,12}} ){{0,2}}{_PRODUCT}",
    f"(?:i{_AM}|i was|i have been|i{_A}ve been|and was|model|assistant) (?:a [a-z ,-]{{2,40}})?"
    f"(?:trained|developed|created|made|built|designed|powered) (?:and [a-z]{{4,12}} )?by "
    f"(?:researchers (?:from|at) |engineers (?:from|at) |the team at )?{_VENDOR}",
    f"(?:trained|developed|created|made|built) (?:me )?by {_VENDOR}",
    # Chinese
    "我(?:是|叫)(?:由)?(?:ChatGPT|GPT-?4|Claude|Gemini|通义千问|文心一言|豆包|Kimi|智谱清言|讯飞星火|DeepSeek|Qwen|腾讯元宝|混元)",
    "我(?:是|的名字是|叫)?(?:一个)?由 ?(?:OpenAI|Anthropic|谷歌|Google|阿里云|阿里巴巴|百度|腾讯|字节跳动|深度求索|智谱|月之暗面|Meta|微软)[^。\n]{0,20}(?:训练|开发|研发|创建|推出|打造)",
    # German, French, Spanish, Portuguese
    f"(?:ich bin|je suis|soy|sou|eu sou|mi nombre es|meu nome é|ich heiße|je m{_A}appelle|me llamo) {_PRODUCT}",
    f"(?:von|par|por|pela) {_VENDOR} (?:entwickelt|trainiert|erstellt|geschaffen)",
    f"(?:entraînée?|développée?|créée?|entrenad[oa]|desarrollad[oa]|cread[oa]|treinad[oa]|desenvolvid[oa]|criad[oa]) (?:par|por|pela) {_VENDOR}",
    # Japanese, Russian
    "私は(?:ChatGPT|Claude|Gemini|GPT-?4|Bard)(?:です|という)",
    "(?:OpenAI|Anthropic|Google|グーグル|Microsoft)(?:社)?(?:によって|が)(?:開発|訓練|作成)(?:され|した)",
    f"(?:я|меня зовут) (?:—|-)? ?{_PRODUCT}",
    f"(?:созданн?а?я?|обученн?а?я?|разработанн?а?я?|разработан|обучен|создан)(?:ый)? (?:компанией )?{_VENDOR}",
)
